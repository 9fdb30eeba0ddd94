/**
 * Brings one event to one target, as EventBridge does it: again with growing pauses until it is accepted, the attempts or
 * the event's age run out, or the target cannot exist; then to the target's dead-letter queue, or nowhere.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { isDatasetError } from '../../errors.ts';

/**
 * Where events can go. A rejection is tried again; one with a DatasetError of kind `invalid` (no such target) or `denied`
 * (the target does not let the rule in) is not.
 */
export interface EventTargets {
  /** Accepts an asynchronous invocation; it does not wait for its result. `arn`: function, version or alias. */
  invokeLambda(arn: string, payload: string, ruleArn: string): Promise<void>;
  sendToQueue(arn: string, body: string, attributes: Readonly<Record<string, string>>): Promise<void>;
}

export interface Target {
  readonly id: string;
  readonly arn: string;
  readonly deadLetterArn: string | undefined;
  /** Attempts after the first. AWS: 185 unless set. */
  readonly retriesMax: number;
  /** AWS: 86,400 unless set. */
  readonly ageSecondsMax: number;
}

export interface Delivery {
  readonly ruleArn: string;
  readonly target: Target;
  /** The event as JSON. */
  readonly event: string;
}

/** What became of deliveries. */
export type DeliveryOutcome = 'delivered' | 'dead-lettered' | 'dropped' | 'stopped';

export interface DeliveryPolicy {
  readonly targets: EventTargets;
  /** The first pause; later ones double. */
  readonly retryMsBase: number;
  readonly retryMsCap: number;
  readonly signal: AbortSignal;
}

export async function deliver(delivery: Delivery, policy: DeliveryPolicy): Promise<DeliveryOutcome> {
  const { target } = delivery;
  const startMs = performance.now();
  for (let retries = 0; ; retries += 1) {
    try {
      await send(delivery, policy.targets);
      return 'delivered';
    } catch (error) {
      const pauseMs =
        Math.min(policy.retryMsCap, policy.retryMsBase * 2 ** retries) * (0.5 + Math.random() / 2);
      const tooOld = performance.now() + pauseMs - startMs > target.ageSecondsMax * 1000;
      if (isPermanent(error)) return giveUp(delivery, policy, { error, retries, condition: null });
      if (retries >= target.retriesMax) {
        return giveUp(delivery, policy, { error, retries, condition: 'MaximumRetryAttempts' });
      }
      if (tooOld) return giveUp(delivery, policy, { error, retries, condition: 'MaximumEventAgeInSeconds' });
      await sleep(pauseMs, undefined, { signal: policy.signal }).catch(() => {});
      if (policy.signal.aborted) return 'stopped';
    }
  }
}

function send({ target: { arn }, event, ruleArn }: Delivery, targets: EventTargets): Promise<void> {
  if (arn.split(':')[2] === 'sqs') return targets.sendToQueue(arn, event, {});
  return targets.invokeLambda(arn, event, ruleArn);
}

function isPermanent(error: unknown): boolean {
  return isDatasetError(error, 'invalid') || isDatasetError(error, 'denied');
}

function codeOf(error: unknown): string {
  if (isDatasetError(error, 'invalid')) return 'RESOURCE_NOT_FOUND';
  return isDatasetError(error, 'denied') ? 'NO_PERMISSIONS' : 'SDK_CLIENT_ERROR';
}

interface Failure {
  readonly error: unknown;
  readonly retries: number;
  readonly condition: 'MaximumRetryAttempts' | 'MaximumEventAgeInSeconds' | null;
}

async function giveUp(
  { ruleArn, target, event }: Delivery,
  { targets }: DeliveryPolicy,
  { error, retries, condition }: Failure,
): Promise<DeliveryOutcome> {
  if (target.deadLetterArn === undefined) return 'dropped';
  const attributes: Record<string, string> = {
    RULE_ARN: ruleArn,
    TARGET_ARN: target.arn,
    ERROR_CODE: codeOf(error),
    ERROR_MESSAGE: error instanceof Error ? error.message : String(error),
    RETRY_ATTEMPTS: String(retries),
    ...(condition === null ? {} : { EXHAUSTED_RETRY_CONDITION: condition }),
  };
  try {
    await targets.sendToQueue(target.deadLetterArn, event, attributes);
    return 'dead-lettered';
  } catch {
    return 'dropped';
  }
}
