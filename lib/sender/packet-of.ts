import { assert } from '../assert.ts';
import { type ClaimPorts, putClaim } from '../claim.ts';
import { DatasetError } from '../errors.ts';
import { limits } from '../limits.ts';
import { checkMessages, utf8Size } from '../message-rules.ts';
import type { AnyDataset } from '../schema/builder.ts';
import { isPlainObject, type PlainObject } from '../schema/plain-object.ts';
import { keyOfPaths, keyOfRecord } from '../schema/record-key.ts';
import { mutationBody, rejected } from './message-body.ts';
import type { AnyMutation } from './mutation-input.ts';
import { aloneSize, contentOf, type Packet } from './packer.ts';

/**
 * Mutations that travel together, checked and as text, and where they belong. `isAtomic`: in a message of their own.
 *
 * @throws DatasetError `rejected`: a mutation breaks a rule, or they are too many; `invalid`: of different partitions, or a
 * correlation id that no queue carries
 */
export function packetOf(
  dataset: AnyDataset,
  mutations: readonly AnyMutation[],
  { correlationId, isAtomic }: { readonly correlationId: string | undefined; readonly isAtomic: boolean },
): { readonly partition: number; readonly packet: Packet } {
  if (correlationId !== undefined) checkMessages([{ body: '{}', correlationId }]);
  if (mutations.length === 0) throw new DatasetError('invalid', 'there is no mutation to send');
  let partition = -1;
  const texts = mutations.map((mutation, index) => {
    const { problem, body } = mutationBody(dataset, mutation);
    const place = isAtomic ? `mutations[${index}].` : '';
    if (problem !== null) throw rejected(mutation, { ...problem, field: `${place}${problem.field}` });
    const own = partitionOf(dataset, mutation.type, body);
    if (partition !== -1 && own !== partition) throw apart(mutations, partition, own);
    partition = own;
    return textOf(body);
  });
  const text = texts.join(',');
  const form = isAtomic ? 'atomic' : 'mutation';
  const packet = {
    form,
    text,
    size: utf8Size(text),
    mutationCount: mutations.length,
    correlationId,
  } as const;
  if (mutations.length > limits.mutationsPerMessageMax) {
    const problem = `${mutations.length} mutations: at most ${limits.mutationsPerMessageMax} go into a message`;
    throw new DatasetError('rejected', problem, { count: mutations.length });
  }
  return { partition, packet };
}

function partitionOf({ schema, partitions }: AnyDataset, type: string, body: PlainObject): number {
  const { value, key } = body;
  if (isPlainObject(value)) return partitions.ofRecordKey(type, keyOfRecord(schema, type, value));
  assert(isPlainObject(key), 'a mutation that was checked has a value or a key');
  return partitions.ofRecordKey(type, keyOfPaths(schema, type, key));
}

function apart(mutations: readonly AnyMutation[], one: number, other: number): DatasetError {
  const types = [...new Set(mutations.map(({ type }) => type))].join(', ');
  return new DatasetError(
    'invalid',
    `mutations of partitions ${one} and ${other} cannot be taken in together (types: ${types}): give them a common partition key`,
    { one, other },
  );
}

/** Two characters that JSON leaves as they are and no queue carries. */
const foreignCharacters = /[\ufffe\uffff]/g;

function textOf(body: PlainObject): string {
  return JSON.stringify(body).replace(foreignCharacters, (character) =>
    character === '\ufffe' ? '\\ufffe' : '\\uffff',
  );
}

/**
 * The packet itself, or, if it is too large for a message, one that says where in the inbox it lies.
 *
 * @throws DatasetError `rejected`: too large, and there is no inbox, or it is too large for that as well; and whatever the
 * inbox rejects with
 */
export async function fitPacket(packet: Packet, claims: ClaimPorts | null): Promise<Packet> {
  const size = aloneSize(packet);
  if (size <= limits.messageSizeMax) return packet;
  if (claims === null) {
    const problem = `${size} bytes: a message has at most ${limits.messageSizeMax}, and this sender has no inbox for more`;
    throw new DatasetError('rejected', problem, { size });
  }
  const text = await putClaim(claims, contentOf([packet]));
  return { ...packet, form: 'claim', text, size: utf8Size(text) };
}
