import { applyDelta } from '../../lib/blob/apply-delta.ts';
import { decodeSnapshot } from '../../lib/blob/decode-snapshot.ts';
import { encodeDelta } from '../../lib/blob/encode-delta.ts';
import { encodeSnapshot } from '../../lib/blob/encode-snapshot.ts';
import { bookkeepingPart } from '../../lib/consumer/loaded-version.ts';
import type { DatasetId, Deadline, Telemetry } from '../../lib/ports.ts';
import {
  bookkeepingTypesOf,
  stampTypeOf,
  watermarkType,
  withBookkeeping,
} from '../../lib/producer/bookkeeping-schema.ts';
import type { ChainBounds } from '../../lib/producer/chain.ts';
import { commitPlanned } from '../../lib/producer/commit.ts';
import { planPurge } from '../../lib/producer/plan-purge.ts';
import { recordObject } from '../../lib/state/plain-record.ts';
import type { ReadState } from '../../lib/state/read-state.ts';
import { WriteState } from '../../lib/state/write-state.ts';
import { schemaIds, schemas } from './bundles.ts';
import type { Mutant } from './mutants.ts';
import type { Ports } from './ports.ts';
import type { SimProcess } from './process.ts';

const full = withBookkeeping(schemas.old);
const parts = new Map([[bookkeepingPart, bookkeepingTypesOf(full)]]);

/** Of what is forgotten. */
export const purgeMutants: Readonly<Record<string, Mutant>> = {
  purgeNoWatermark: { caughtBy: ['S3'], forgetsSilently: true },
  tombDropInSnapshot: {
    caughtBy: ['S6'],
    wrap: ({ ports }) => {
      const { blobs } = ports;
      const whole = new Map<string, Uint8Array>();
      const mains = new Map<string, PromiseWithResolvers<Uint8Array>>();
      const put: typeof blobs.put = async (name, bytes, metadata) => {
        const [main = name, part] = name.split('.part-');
        // The first version is nothing but its snapshot.
        if (!main.includes('/snapshot/') || /0{15}1-/.test(main)) return blobs.put(name, bytes, metadata);
        const less = mains.get(main) ?? Promise.withResolvers<Uint8Array>();
        mains.set(main, less);
        if (part === undefined) {
          whole.set(main, bytes);
          return blobs.put(name, await less.promise, metadata);
        }
        const state = decodeSnapshot(whole.get(main) ?? bytes, new Map([[part, bytes]]));
        const blob = encodeSnapshot(withoutTombstones(state), { parts });
        less.resolve(blob.main);
        return blobs.put(name, blob.parts.get(part) ?? bytes, metadata);
      };
      return { ...ports, blobs: { get: (name, sizeMax) => blobs.get(name, sizeMax), put } };
    },
  },
};

/** Deletions are so old that a snapshot needs none of them: so it seems. */
function withoutTombstones(state: ReadState): ReadState {
  const cycle = WriteState.restore(state).begin();
  for (const type of ['City', 'Score'].map(stampTypeOf)) {
    const records = state.type(type);
    for (let o = records.nextPopulated(0); o >= 0; o = records.nextPopulated(o + 1)) {
      if (recordObject(state, type, o)['deleted'] === true) cycle.remove(type, o);
    }
  }
  const { tag, headerTags } = state;
  const { main, parts: deltaParts } = encodeDelta(cycle.transition(), { tag, headerTags, parts });
  return applyDelta(state, main, deltaParts).state;
}

export interface SilentPurge {
  readonly id: DatasetId;
  readonly process: SimProcess;
  readonly ports: Ports;
  readonly telemetry: Telemetry;
  readonly bounds: ChainBounds;
  readonly horizonMs: number;
}

/** A purge that does not say how far it went. */
export async function purgeSilently(place: SilentPurge, deadline: Deadline): Promise<void> {
  const { id, process, ports, telemetry, bounds, horizonMs } = place;
  const { heads, blobs, announcer } = ports;
  const { clock, random } = process;
  const untilMs = clock.nowMs() - horizonMs;
  const context = {
    id,
    heads,
    blobs,
    inline: undefined,
    announcer,
    clock,
    random,
    telemetry,
    schema: full,
    schemaId: schemaIds.old,
    schemaHash: '0',
    parts,
    indexedTypes: null,
    bounds,
    retries: { left: 100 },
    validators: [],
    validationOverride: null,
  };
  await commitPlanned(
    context,
    { warm: null },
    (base) => {
      const plan = planPurge(base, untilMs, 10_000);
      return { ...plan, others: plan.others.filter(({ type }) => type !== watermarkType) };
    },
    deadline,
  );
}
