import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Match, type Template } from 'aws-cdk-lib/assertions';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { beforeAll, describe, expect, it } from 'vitest';
import { alarmMeanings, runbookAnchor } from '../../infra/alarm-meanings.ts';
import { healthBounds, serviceGoals } from '../../lib/health-rules.ts';
import { SeededRandom } from '../../lib/memory/random.ts';
import { metrics } from '../../lib/metric-names.ts';
import {
  alarmsOf,
  type EvaluatedAlarm,
  MetricStore,
  seriesOf,
  type TemplateResources,
} from '../support/alarm-evaluator.ts';
import { addContainers, templateOf, templateWith } from './template.ts';

const place = { region: 'eu-central-1', bucketName: 'cities-replica', busName: 'cities' };
let template: Template;
let resources: TemplateResources;
beforeAll(() => {
  template = templateOf({}, (stack) => {
    addContainers(stack.dataset, stack);
    stack.dataset.alarms.watchReplica(stack.dataset.storage, place);
  });
  resources = (template.toJSON() as { Resources: TemplateResources }).Resources;
});

const names = Object.keys(alarmMeanings).filter(
  (name): name is keyof typeof alarmMeanings => name in alarmMeanings,
);
const alarmNamed = (name: string): EvaluatedAlarm => {
  // One for each function where a function has one.
  const found = alarmsOf(resources).find(({ id }) => id.includes(`Alarms${name}`));
  if (found === undefined) throw new Error(`no alarm ${name}`);
  return found;
};

/** A value of each series, for each minute of a stretch of time. */
type Values = Readonly<Record<string, number>>;

/** What is normal: the name of the metric and its value, give or take a half. */
const quiet: Values = {
  ApproximateAgeOfOldestMessage: 2,
  ApproximateNumberOfMessagesVisible: 40,
  Invocations: 600,
  Errors: 2,
  MessagesReceived: 6_000,
  MessagesFailed: 20,
  Commits: 60,
  CommitConflicts: 12,
  ChainLength: 40,
  AnnouncementsFailed: 0,
  SettingsRefused: 0,
  RefreshesFailed: 0,
  PropagationLagMs: 400,
  MemoryUsedPercent: 50,
  RecordCount: 135_000,
  IteratorAge: 300,
  HeadAgeMs: 1_000,
  ReplicationLatency: 20,
  OperationsFailedReplication: 0,
  RequestCount: 6_000,
  HTTPCode_Target_5XX_Count: 10,
};

/** Of queues whose every message is one for a person. */
const isSetAside = (series: string) =>
  /DeadLetters|Quarantine|Late|Undelivered|Housekeeping|Purger/.test(series);

function write(
  store: MetricStore,
  alarm: EvaluatedAlarm,
  minute: number,
  valueOf: (name: string, series: string) => number,
) {
  for (const stat of alarm.stats)
    store.put(seriesOf(stat), minute, valueOf(stat.Metric.MetricName, seriesOf(stat)));
}

/** What breaks the bound of an alarm, metric by metric. */
const broken: Readonly<Record<string, Values>> = {
  MutationsWait: { ApproximateAgeOfOldestMessage: healthBounds.producerIdleMsMax / 1000 + 1 },
  MutationsPile: { ApproximateNumberOfMessagesVisible: 90_001 },
  ProducerFails: { Errors: 31, Invocations: 600 },
  MessagesFail: { MessagesFailed: 306, MessagesReceived: 6_000 },
  ChainGrows: { ChainLength: 461 },
  DeadLetters: { ApproximateNumberOfMessagesVisible: 1 },
  ProducerMemory: { MemoryUsedPercent: 81 },
  Quarantine: { ApproximateNumberOfMessagesVisible: 1 },
  Conflicts: { CommitConflicts: 61, Commits: 60 },
  NewVersionFails: { Errors: 4, Invocations: 60 },
  RolloutFails: { Errors: 31, Invocations: 600 },
  LateMutations: { ApproximateNumberOfMessagesVisible: 1 },
  SettingsRefused: { SettingsRefused: 1 },
  HousekeepingFails: { Errors: 2 },
  OutboxLags: { IteratorAge: 60_001 },
  AnnouncementsFail: { AnnouncementsFailed: 1 },
  RecordCount: { RecordCount: 60_000 },
  ConsumerFails: { Errors: 31, Invocations: 600 },
  RefreshesFail: { RefreshesFailed: 1 },
  Lag: { PropagationLagMs: serviceGoals.propagationLagMsMax + 1 },
  ConsumerMemory: { MemoryUsedPercent: 81 },
  Undelivered: { ApproximateNumberOfMessagesVisible: 1 },
  AnswersFail: { HTTPCode_Target_5XX_Count: 306, RequestCount: 6_000 },
  HeadAge: { HeadAgeMs: healthBounds.consumerIdleMsMax + 1 },
  Heartbeat: {}, // nothing is heard
  ReplicaLags: { ReplicationLatency: 901 },
  ReplicaFails: { OperationsFailedReplication: 1 },
};

/** Where it may take longer: nobody is hurt meanwhile. */
const minutesUntilKnown: Readonly<Record<string, number>> = {
  Conflicts: 30,
  RecordCount: 30,
  HousekeepingFails: 120,
};

/** Just within the bound. */
const within: Readonly<Record<string, Values>> = {
  MutationsWait: { ApproximateAgeOfOldestMessage: healthBounds.producerIdleMsMax / 1000 },
  ProducerFails: { Errors: 29.4, Invocations: 600 }, // 4.9 %
  ConsumerFails: { Errors: 29.4, Invocations: 600 },
  NewVersionFails: { Errors: 3, Invocations: 60 },
  RolloutFails: { Errors: 30, Invocations: 600 },
  MessagesFail: { MessagesFailed: 294, MessagesReceived: 6_000 },
  ProducerMemory: { MemoryUsedPercent: 80 },
  ConsumerMemory: { MemoryUsedPercent: 80 },
  Lag: { PropagationLagMs: serviceGoals.propagationLagMsMax },
  AnswersFail: { HTTPCode_Target_5XX_Count: 300, RequestCount: 6_000 },
  HeadAge: { HeadAgeMs: healthBounds.consumerIdleMsMax },
  MutationsPile: { ApproximateNumberOfMessagesVisible: 90_000 },
};

describe.each(names)('the alarm %s', (name) => {
  const day = 1440;
  const normalFor = (alarm: EvaluatedAlarm, store: MetricStore, from: number, to: number) => {
    for (let minute = from; minute < to; minute++) {
      write(store, alarm, minute, (metric, series) => (isSetAside(series) ? 0 : (quiet[metric] ?? 0)));
    }
  };

  it('fires in time and clears by itself', () => {
    const alarm = alarmNamed(name);
    const store = new MetricStore();
    normalFor(alarm, store, 0, day);
    expect(alarm.evaluate(store, day - 1)).toBe('OK');
    const firesWithin = alarm.period * alarm.properties.EvaluationPeriods;
    let minute = day;
    while (minute < day + firesWithin) {
      if (name !== 'Heartbeat') write(store, alarm, minute, (metric) => broken[name]?.[metric] ?? Number.NaN);
      alarm.evaluate(store, minute++);
    }
    expect(alarm.state).toBe('ALARM');
    expect(firesWithin, 'minutes until somebody knows').toBeLessThanOrEqual(minutesUntilKnown[name] ?? 5);
    normalFor(alarm, store, minute, minute + firesWithin);
    expect(alarm.evaluate(store, minute + firesWithin - 1)).toBe('OK');
  });

  it('stays off while nothing happens and nothing is said, but for the one that listens', () => {
    const alarm = alarmNamed(name);
    if (name === 'Heartbeat') return expect(alarm.evaluate(new MetricStore(), 0)).toBe('ALARM');
    const store = new MetricStore();
    normalFor(alarm, store, 0, 60);
    for (let minute = 60; minute < 180; minute++) expect(alarm.evaluate(store, minute)).toBe('OK');
    return undefined;
  });

  it('has a runbook under the name that it links to', () => {
    const { AlarmDescription } = alarmNamed(name).properties;
    const { severity, meaning } = alarmMeanings[name];
    expect(AlarmDescription).toBe(
      `[${severity}] cities: ${meaning} What to do: docs/operations.md#${runbookAnchor(name)}`,
    );
    const page = readFileSync(join(import.meta.dirname, '../../docs/operations.md'), 'utf8');
    expect(page).toContain(`\n### ${runbookAnchor(name)}\n`);
  });
});

describe.each(Object.entries(within))('the alarm %s', (name, values) => {
  it('stays off at its bound', () => {
    const alarm = alarmNamed(name);
    const store = new MetricStore();
    for (let minute = 0; minute < 60; minute++) {
      write(store, alarm, minute, (metric) => values[metric] ?? Number.NaN);
      expect(alarm.evaluate(store, minute)).toBe('OK');
    }
  });
});

describe('a new version with a tenth of the traffic', () => {
  /** States after a minute of 600 invocations, of which the new version had 60. */
  const after = (failures: number) => {
    const store = new MetricStore();
    const alarms = [alarmNamed('NewVersionFails'), alarmNamed('RolloutFails')];
    for (const alarm of alarms) {
      write(store, alarm, 0, (metric, series) => {
        if (metric === 'Errors') return failures;
        return series.includes('ExecutedVersion') ? 60 : 600;
      });
    }
    return alarms.map((alarm) => alarm.evaluate(store, 0));
  };

  it('is judged by its own failures: the failures of all do not show it', () => {
    expect(after(3)).toEqual(['OK', 'OK']);
    expect(after(4)).toEqual(['ALARM', 'OK']);
    expect(after(30)).toEqual(['ALARM', 'OK']);
    expect(after(31)).toEqual(['ALARM', 'ALARM']);
  });
});

describe('quiet noise', () => {
  it('fires nothing in a week', () => {
    const seed = 20_261_125;
    const random = new SeededRandom(seed);
    const alarms = alarmsOf(resources);
    const store = new MetricStore();
    const series = new Map(
      alarms.flatMap(({ stats }) => stats.map((stat) => [seriesOf(stat), stat.Metric.MetricName])),
    );
    const fired: string[] = [];
    for (let minute = 0; minute < 7 * 1440; minute++) {
      for (const [each, metric] of series) {
        // One minute in fifty is a bad one for itself: a retry, a cold start, a slow disk.
        const factor = random.uniform() < 0.02 ? 2 : 0.5 + random.uniform();
        const noise =
          metric === 'RecordCount' || metric === 'MemoryUsedPercent' ? 0.95 + random.uniform() / 10 : factor;
        store.put(each, minute, isSetAside(each) ? 0 : (quiet[metric] ?? 0) * noise);
      }
      for (const alarm of alarms) {
        if (minute % alarm.period === 0 && alarm.evaluate(store, minute) === 'ALARM')
          fired.push(`${alarm.id} at ${minute}`);
      }
    }
    expect(fired, `seed ${seed}`).toEqual([]);
  });
});

describe('who hears of it', () => {
  const ruleOf = (name: string): string => {
    const groups = Object.entries(resources).filter(([id]) => id.includes(`Alarms${name}`));
    const [group] = groups.filter(([, { Type }]) => Type === 'AWS::CloudWatch::CompositeAlarm');
    return JSON.stringify(group?.[1].Properties?.['AlarmRule']);
  };

  it('each alarm is in the group of its severity and side, and in no other', () => {
    const groups = {
      WritingPage: ['page', 'writing'],
      ReadingPage: ['page', 'reading'],
      Ticket: ['ticket', null],
      Data: ['data', null],
    };
    for (const [group, [severity, side]] of Object.entries(groups)) {
      const members = names.filter((name) => ruleOf(group).includes(`"${alarmNamed(name).id}"`));
      const wanted = names.filter(
        (name) =>
          alarmMeanings[name].severity === severity && (side === null || alarmMeanings[name].side === side),
      );
      expect(members, group).toEqual(wanted);
    }
  });

  it('one cause pages once: readers are silent while writing pages', () => {
    template.hasResourceProperties('AWS::CloudWatch::CompositeAlarm', {
      ActionsSuppressor: { 'Fn::GetAtt': [Match.stringLikeRegexp('WritingPage'), 'Arn'] },
      ActionsSuppressorWaitPeriod: 120,
    });
    expect(ruleOf('ReadingPage')).toContain('AlarmsLag');
  });

  it('topics are told by the groups only', () => {
    const told = templateWith((stack) => ({ alarmTopics: { page: new Topic(stack, 'Pager') } }));
    const pager = [{ Ref: expect.stringContaining('Pager') }];
    const actionsOf = (type: string) =>
      Object.values(told.findResources(type)).flatMap(({ Properties }) => Properties.AlarmActions ?? []);
    expect(actionsOf('AWS::CloudWatch::Alarm')).toEqual([]);
    expect(actionsOf('AWS::CloudWatch::CompositeAlarm')).toEqual([...pager, ...pager]);
  });
});

describe('the dashboard', () => {
  it('has a widget for every metric that the library emits', () => {
    const body = JSON.stringify(Object.values(template.findResources('AWS::CloudWatch::Dashboard')));
    const shown = new Set(Array.from(body.matchAll(/MetricName=\W*(\w+)/g), ([, name = '']) => name));
    const missing = Object.keys(metrics).filter((name) => !shown.has(name));
    expect(missing).toEqual([]);
  });
});

describe('promises', () => {
  it('are the ones of lib/health-rules.ts, with an error budget each', () => {
    const levels = Object.values(template.findResources('AWS::ApplicationSignals::ServiceLevelObjective'));
    expect(
      levels.map(({ Properties }) => Number(Properties.Goal.AttainmentGoal)).toSorted((a, b) => a - b),
    ).toEqual([
      100 * serviceGoals.availability, // of the function, of the containers, of the minutes without much lag
      100 * serviceGoals.availability,
      100 * serviceGoals.availability,
      100 * (1 - serviceGoals.errorRateMax),
    ]);
  });
});
