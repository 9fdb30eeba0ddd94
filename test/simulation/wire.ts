import type { MessageProgress } from '../../lib/receipt.ts';
import type { IntendedCondition, Intent, Sent, Stamp } from './traffic.ts';

/** What the sender library puts into a queue, read without its code, or without that of the producer. */
interface WireMessage {
  readonly mutations: readonly WireMutation[];
  readonly atomic?: boolean;
  readonly progress: MessageProgress;
}

interface WireStamp {
  readonly timestamp: number;
  readonly source: string;
  readonly sequence: number;
}

interface WireMutation {
  readonly op: 'upsert' | 'patch' | 'delete' | 'increment';
  readonly type: 'City' | 'Score';
  readonly value?: Readonly<Record<string, unknown>>;
  readonly key?: Readonly<Record<string, unknown>>;
  readonly fields?: Readonly<Record<string, unknown>>;
  readonly order: WireStamp;
  readonly condition?: { readonly ifAbsent?: true; readonly ifVersion?: WireStamp };
  readonly opId?: string;
}

/** What a well-formed message means. */
export function readMessage(body: string): Sent {
  const { mutations, atomic = false, progress }: WireMessage = JSON.parse(body);
  return { body, intents: mutations.map(intentOf), isBroken: false, isAtomic: atomic, number: progress };
}

function intentOf({ op, type, value, key, fields, order, condition, opId }: WireMutation): Intent {
  const paths = value ?? key ?? {};
  const parts = type === 'City' ? [paths['cityId']] : [paths['team'], paths['round']];
  const target = { type, key: parts.map(String).join('/'), order: stampOf(order) };
  if (op === 'increment') {
    const amounts = Object.fromEntries(Object.entries(fields ?? {}).map(([name, by]) => [name, Number(by)]));
    return { op, ...target, fields: amounts, opId: opId ?? null };
  }
  const conditional = { condition: conditionOf(condition), opId: opId ?? null };
  if (op === 'delete') return { op, ...target, ...conditional };
  return { op, ...target, ...conditional, fields: value ?? fields ?? {} };
}

function conditionOf(condition: WireMutation['condition']): IntendedCondition | null {
  if (condition === undefined) return null;
  return condition.ifVersion === undefined ? 'absent' : stampOf(condition.ifVersion);
}

function stampOf({ timestamp, source, sequence }: WireStamp): Stamp {
  return [timestamp, source, sequence];
}
