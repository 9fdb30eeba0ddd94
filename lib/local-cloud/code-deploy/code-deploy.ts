/**
 * Moves an alias to a new version as CodeDeploy does: a hook, a part of the traffic for a while, all of it, a hook; back
 * to the version before when a hook says no or an alarm is on.
 *
 *   code-deploy.ts      (this file) deployments      traffic-shift.ts   which parts, for how long
 *   code-deploy-api.ts  where hooks report to
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { DatasetError } from '../../errors.ts';
import { type LambdaService, parseReference } from '../lambda/lambda-service.ts';
import { type ShiftStep, shiftSteps } from './traffic-shift.ts';

/** AWS::CodeDeploy::DeploymentGroup. */
export interface DeploymentGroup {
  readonly configName: string;
  /** Names of the alarms that stop a deployment. */
  readonly alarms: readonly string[];
  /** `DEPLOYMENT_FAILURE`, `DEPLOYMENT_STOP_ON_ALARM`, …: when the version before is put back. */
  readonly rollbackEvents: readonly string[];
}

/** What CloudFormation asks for when an alias with an update policy gets another version. */
export interface DeploymentOrder {
  readonly group: string;
  readonly functionName: string;
  readonly alias: string;
  readonly toVersion: string;
  /** Names or ARNs of functions. */
  readonly beforeHook: string | undefined;
  readonly afterHook: string | undefined;
}

export type HookStatus = 'Succeeded' | 'Failed';

/** A deployment, while it runs and after. Times are those of `performance.now()`. */
export interface DeploymentRecord {
  readonly id: string;
  readonly order: DeploymentOrder;
  readonly fromVersion: string;
  /** What the new version has been given, 0 to 1, and since when; 0 at the end: it was taken back. */
  readonly weights: readonly { readonly weight: number; readonly atMs: number }[];
  readonly hooks: Readonly<Record<string, HookStatus>>;
  /** Null: it succeeded, or is under way. */
  readonly problem: string | null;
}

export interface CodeDeployOptions {
  /** How long a minute is. 60,000, unless a rehearsal has less time. */
  readonly minuteMs: number;
  /** Whether an alarm is on now. */
  readonly isAlarmOn: (name: string) => boolean;
}

type Running = { -readonly [Key in keyof DeploymentRecord]: DeploymentRecord[Key] } & {
  readonly weights: { weight: number; atMs: number }[];
  readonly hooks: Record<string, HookStatus>;
};

/** Without an answer of its hook a deployment fails. CodeDeploy's own. */
const hookMinutesMax = 60;
/** How often the alarms are looked at. */
const alarmPollMs = 20;

export class CodeDeploy {
  readonly #lambda: LambdaService;
  readonly #options: CodeDeployOptions;
  readonly #groups = new Map<string, DeploymentGroup>();
  readonly #deployments: Running[] = [];
  /** By execution id of the hook. */
  readonly #waiting = new Map<string, { deploymentId: string; report: (status: HookStatus) => void }>();
  readonly #stopping = new AbortController();

  constructor(lambda: LambdaService, options: CodeDeployOptions) {
    this.#lambda = lambda;
    this.#options = options;
  }

  /** All so far, the oldest first. */
  get deployments(): readonly DeploymentRecord[] {
    return this.#deployments;
  }

  /** @throws DatasetError `invalid` when its configuration is not known here */
  putGroup(name: string, group: DeploymentGroup): void {
    shiftSteps(group.configName);
    this.#groups.set(name, group);
  }

  /**
   * Resolves when the new version has all of the traffic and the last hook has passed.
   *
   * @throws DatasetError `refused` when it was taken back, with the reason; `invalid` for an unknown group, alias or version
   */
  async deploy(order: DeploymentOrder): Promise<void> {
    const group = this.#groups.get(order.group);
    if (group === undefined) throw new DatasetError('invalid', `no deployment group ${order.group}`);
    const fromVersion = this.#lambda.get(order.functionName).routeOf(order.alias).version;
    const id = `d-${randomUUID().slice(0, 8).toUpperCase()}`;
    const running: Running = { id, order, fromVersion, weights: [], hooks: {}, problem: null };
    this.#deployments.push(running);
    try {
      await this.#run(running, group);
    } catch (error) {
      running.problem = error instanceof Error ? error.message : String(error);
      throw error;
    }
  }

  /** What a hook found. False: nobody waits for it. */
  report(deploymentId: string, executionId: string, status: HookStatus): boolean {
    const waiting = this.#waiting.get(executionId);
    if (waiting?.deploymentId !== deploymentId) return false;
    this.#waiting.delete(executionId);
    waiting.report(status);
    return true;
  }

  /** Ends what is under way where it stands. */
  stop(): void {
    this.#stopping.abort();
  }

  async #run(running: Running, group: DeploymentGroup): Promise<void> {
    const { order } = running;
    await this.#hook(running, 'BeforeAllowTraffic', order.beforeHook);
    let alarm = await this.#shift(running, group);
    if (alarm === null) {
      try {
        await this.#hook(running, 'AfterAllowTraffic', order.afterHook);
      } catch (error) {
        if (group.rollbackEvents.includes('DEPLOYMENT_FAILURE')) this.#route(running, 0);
        throw error;
      }
      alarm = this.#alarmOf(group);
    }
    if (alarm === null) return;
    if (group.rollbackEvents.includes('DEPLOYMENT_STOP_ON_ALARM')) this.#route(running, 0);
    throw new DatasetError('refused', `the alarm ${alarm} is on`);
  }

  /** Null when all of the traffic has moved; else the alarm that was in the way. */
  async #shift(running: Running, group: DeploymentGroup): Promise<string | null> {
    const last: ShiftStep = { weight: 1, minutes: 0 };
    for (const { weight, minutes } of [...shiftSteps(group.configName), last]) {
      const before = this.#alarmOf(group);
      if (before !== null) return before;
      this.#route(running, weight);
      const endMs = performance.now() + minutes * this.#options.minuteMs;
      while (performance.now() < endMs) {
        await sleep(alarmPollMs, undefined, { signal: this.#stopping.signal });
        const alarm = this.#alarmOf(group);
        if (alarm !== null) return alarm;
      }
    }
    return null;
  }

  #alarmOf({ alarms }: DeploymentGroup): string | null {
    return alarms.find((name) => this.#options.isAlarmOn(name)) ?? null;
  }

  #route({ order, fromVersion, weights }: Running, weight: number): void {
    const { functionName, alias, toVersion } = order;
    const main = weight < 1 ? fromVersion : toVersion;
    const canary = weight > 0 && weight < 1 ? { canary: { version: toVersion, weight } } : {};
    this.#lambda.get(functionName).putAlias(alias, { version: main, ...canary });
    weights.push({ weight, atMs: performance.now() });
  }

  async #hook({ id, hooks }: Running, event: string, hook: string | undefined): Promise<void> {
    if (hook === undefined) return;
    const executionId = randomUUID();
    const { promise, resolve: report } = Promise.withResolvers<HookStatus>();
    this.#waiting.set(executionId, { deploymentId: id, report });
    const payload = { DeploymentId: id, LifecycleEventHookExecutionId: executionId };
    this.#lambda.invokeLater(parseReference(hook), Buffer.from(JSON.stringify(payload)));
    const done = new AbortController();
    const signal = AbortSignal.any([done.signal, this.#stopping.signal]);
    const silence = sleep(hookMinutesMax * this.#options.minuteMs, null, { signal }).catch(() => null);
    const status = await Promise.race([promise, silence]);
    done.abort();
    this.#waiting.delete(executionId);
    hooks[event] = status ?? 'Failed';
    if (status !== 'Succeeded') {
      throw new DatasetError(
        'refused',
        `${event}: ${status === null ? 'no answer of the hook' : 'the hook says no'}`,
      );
    }
  }
}
