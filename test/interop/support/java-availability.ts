/**
 * Two-way tests with the real Java library.
 *
 *   java-availability.ts  is there a Java, and the program built? (this file)
 *   java-hollow.ts        runs the program of test/interop/java: requests and replies as lines
 *   …                     what the tests share: models, random changes, comparisons
 */
import { spawnSync } from 'node:child_process';
import { existsSync, globSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { env } from 'node:process';

const project: string = join(import.meta.dirname, '..', 'java');

export const javaProgram = {
  jar: join(project, 'target', 'interop.jar'),
  java: env['JAVA_HOME'] === undefined ? 'java' : join(env['JAVA_HOME'], 'bin', 'java'),
} as const;

const versionMin = 17;
const buildMsMax = 300_000;

/** Builds the program if its jar is missing or older than its sources. Null: ready; else what is missing, for people. */
function javaProblem(): string | null {
  const version = javaVersion();
  if (version === null) return `a JDK (>= ${versionMin}): '${javaProgram.java}' does not start`;
  if (version < versionMin) return `a JDK >= ${versionMin}: '${javaProgram.java}' is ${version}`;
  return isBuilt() ? null : buildProblem();
}

/**
 * True when the suite can run. Otherwise says so on stderr, loudly: a suite that silently does not run proves nothing.
 *
 * @throws Error when INTEROP_REQUIRED is set and something is missing
 */
export function canRunJava(): boolean {
  const problem = javaProblem();
  if (problem === null) return true;
  const message = `NOT RUN: the tests with Java Hollow. Missing: ${problem}`;
  if (env['INTEROP_REQUIRED'] !== undefined) throw new Error(message);
  process.stderr.write(`\n${'!'.repeat(80)}\n${message}\n${'!'.repeat(80)}\n\n`);
  return false;
}

function javaVersion(): number | null {
  const { error, stderr } = spawnSync(javaProgram.java, ['-version'], { encoding: 'utf8' });
  if (error !== undefined) return null;
  const version = /version "(?:1\.)?(\d+)/.exec(stderr)?.[1];
  return version === undefined ? null : Number(version);
}

function isBuilt(): boolean {
  if (!existsSync(javaProgram.jar)) return false;
  const built = statSync(javaProgram.jar).mtimeMs;
  return globSync(['pom.xml', 'src/**/*.java'], { cwd: project }).every(
    (source) => statSync(join(project, source)).mtimeMs <= built,
  );
}

function buildProblem(): string | null {
  const { error, status, stdout, stderr } = spawnSync('mvn', ['-q', '-B', 'package'], {
    cwd: project,
    encoding: 'utf8',
    timeout: buildMsMax,
  });
  if (error !== undefined)
    return `Maven: 'mvn -q package' in test/interop/java does not start (${error.message})`;
  if (status === 0 && existsSync(javaProgram.jar)) return null;
  return `${javaProgram.jar}: 'mvn -q package' in test/interop/java failed:\n${stdout}${stderr}`.slice(
    0,
    2_000,
  );
}
