/**
 * CloudWatch for a rehearsal: counts invocations as Lambda's own metrics do, and evaluates at the end of each minute the
 * alarms that deployment groups of the template name. A minute may be shorter than 60 s.
 */
import type { InvocationRecord } from '../../lib/local-cloud/lambda/lambda-function.ts';
import { type References, resolveValue } from '../../lib/local-cloud/resources/intrinsics.ts';
import type { Template } from '../../lib/local-cloud/template.ts';
import { alarmsOf, type EvaluatedAlarm, MetricStore, seriesOf } from '../support/alarm-evaluator.ts';

/** Invocations, and those of them that failed, since the last minute ended. */
interface Counts {
  readonly functionName: string;
  readonly qualifier: string;
  invocations: number;
  errors: number;
}

export class AlarmClock {
  readonly #minuteMs: number;
  readonly #store = new MetricStore();
  readonly #counts = new Map<string, Counts>();
  readonly #onSinceMs = new Map<string, number>();
  #alarms: readonly EvaluatedAlarm[] = [];
  #minute = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(minuteMs: number) {
    this.#minuteMs = minuteMs;
  }

  /** What Lambda counts by function and alias. */
  count({ functionName, qualifier, isError }: InvocationRecord): void {
    if (qualifier === undefined) return;
    const key = `${functionName}:${qualifier}`;
    const counts = this.#counts.get(key) ?? { functionName, qualifier, invocations: 0, errors: 0 };
    this.#counts.set(key, counts);
    counts.invocations += 1;
    counts.errors += Number(isError);
  }

  /** Begins to evaluate what the template defines. */
  async start(template: Template, references: References): Promise<void> {
    const groups = Object.values(template.Resources).filter(
      ({ Type }) => Type === 'AWS::CodeDeploy::DeploymentGroup',
    );
    const named = JSON.stringify(groups.map(({ Properties }) => Properties?.['AlarmConfiguration']));
    const resources: Record<string, { Type: string; Properties: Readonly<Record<string, unknown>> }> = {};
    for (const [id, { Type, Properties }] of Object.entries(template.Resources)) {
      if (Type !== 'AWS::CloudWatch::Alarm' || !named.includes(`"${id}"`)) continue;
      resources[id] = { Type, Properties: Object(await resolveValue(Properties, references)) };
    }
    this.#alarms = alarmsOf(resources);
    this.#timer = setInterval(() => this.#endMinute(), this.#minuteMs);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  isOn(alarm: string): boolean {
    return this.#onSinceMs.has(alarm);
  }

  /** Whether none is on. */
  get isQuiet(): boolean {
    return this.#onSinceMs.size === 0;
  }

  #endMinute(): void {
    this.#minute += 1;
    for (const { functionName, qualifier, invocations, errors } of this.#counts.values()) {
      const put = (MetricName: string, value: number) => {
        const dimensions = { FunctionName: functionName, Resource: `${functionName}:${qualifier}` };
        const Dimensions = Object.entries(dimensions).map(([Name, Value]) => ({ Name, Value }));
        const Metric = { Namespace: 'AWS/Lambda', MetricName, Dimensions };
        this.#store.put(seriesOf({ Metric, Period: 60, Stat: 'Sum' }), this.#minute, value);
      };
      put('Invocations', invocations);
      put('Errors', errors);
    }
    this.#counts.clear();
    for (const alarm of this.#alarms) {
      const isOn = alarm.evaluate(this.#store, this.#minute) === 'ALARM';
      if (!isOn) this.#onSinceMs.delete(alarm.id);
      else if (!this.#onSinceMs.has(alarm.id)) this.#onSinceMs.set(alarm.id, performance.now());
    }
  }
}
