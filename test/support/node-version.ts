/**
 * The project runs on the Node 24 that `npm ci` installs (package.json, optionalDependencies), whatever the host has.
 * Run as a script this file is the guard that the npm scripts start with.
 */
export function assertNodeVersion(version: string = process.version): void {
  if (version.startsWith('v24.')) return;
  throw new Error(
    `Node 24 is needed, this is ${version}. Run through npm (npm test, npx vitest …) after npm ci, ` +
      'which installs Node 24 into node_modules; a bare `node` or ./node_modules/.bin call takes the host’s.',
  );
}

if (import.meta.main) assertNodeVersion();
