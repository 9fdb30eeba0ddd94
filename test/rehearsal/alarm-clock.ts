/**
 * CloudWatch for a rehearsal: counts invocations as Lambda's own metrics do, and evaluates at the end of each minute the
 * alarms that deployment groups of the template name, as the stack has set them. A minute may be shorter than 60 s.
 */
import type { InvocationRecord } from '../../lib/local-cloud/lambda/lambda-function.ts';
import type { Properties } from '../../lib/local-cloud/resources/resource.ts';
import type { Template } from '../../lib/local-cloud/template.ts';
import { alarmsOf, type EvaluatedAlarm, MetricStore, seriesOf } from '../support/alarm-evaluator.ts';

/** Invocations, and those of them that failed, since the last minute ended. */
interface Counts {
  readonly functionName: string;
  readonly qualifier: string;
  /** Absent: all that the alias leads to. */
  readonly version?: string;
  invocations: number;
  errors: number;
}

export class AlarmClock {
  readonly #minuteMs: number;
  readonly #store = new MetricStore();
  readonly #counts = new Map<string, Counts>();
  readonly #onSinceMs = new Map<string, number>();
  readonly #alarms = new Map<string, EvaluatedAlarm>();
  #named = '';
  #minute = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(minuteMs: number) {
    this.#minuteMs = minuteMs;
  }

  /** What Lambda counts by function and alias, and by the version that was executed. */
  count({ functionName, qualifier, executedVersion: version, isError }: InvocationRecord): void {
    if (qualifier === undefined) return;
    for (const by of [
      { functionName, qualifier },
      { functionName, qualifier, version },
    ]) {
      const key = JSON.stringify(by);
      const counts = this.#counts.get(key) ?? { ...by, invocations: 0, errors: 0 };
      this.#counts.set(key, counts);
      counts.invocations += 1;
      counts.errors += Number(isError);
    }
  }

  /** An alarm is made, or changed; its state stays until it is evaluated. */
  put(id: string, Properties: Properties): void {
    for (const alarm of alarmsOf({ [id]: { Type: 'AWS::CloudWatch::Alarm', Properties } }))
      this.#alarms.set(id, alarm);
  }

  /** Begins to evaluate the alarms that matter to deployments of this template. */
  start(template: Template): void {
    const groups = Object.values(template.Resources).filter(
      ({ Type }) => Type === 'AWS::CodeDeploy::DeploymentGroup',
    );
    this.#named = JSON.stringify(groups.map(({ Properties }) => Properties?.['AlarmConfiguration']));
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
    for (const { functionName, qualifier, version, invocations, errors } of this.#counts.values()) {
      const put = (MetricName: string, value: number) => {
        const dimensions = {
          FunctionName: functionName,
          Resource: `${functionName}:${qualifier}`,
          ...(version === undefined ? {} : { ExecutedVersion: version }),
        };
        const Dimensions = Object.entries(dimensions).map(([Name, Value]) => ({ Name, Value }));
        const Metric = { Namespace: 'AWS/Lambda', MetricName, Dimensions };
        this.#store.put(seriesOf({ Metric, Period: 60, Stat: 'Sum' }), this.#minute, value);
      };
      put('Invocations', invocations);
      put('Errors', errors);
    }
    this.#counts.clear();
    for (const alarm of this.#alarms.values()) {
      if (!this.#named.includes(`"${alarm.id}"`)) continue;
      const isOn = alarm.evaluate(this.#store, this.#minute) === 'ALARM';
      if (!isOn) this.#onSinceMs.delete(alarm.id);
      else if (!this.#onSinceMs.has(alarm.id)) this.#onSinceMs.set(alarm.id, performance.now());
    }
  }
}
