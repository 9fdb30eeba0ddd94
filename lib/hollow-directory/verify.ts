import { applyDelta } from '../blob/apply-delta.ts';
import { readHeader } from '../blob/decode-header.ts';
import { decodeSnapshot } from '../blob/decode-snapshot.ts';
import { hasSchemaItNames } from '../blob/header-tags.ts';
import { hollowFileName } from '../blob/hollow-file-names.ts';
import { ByteReader } from '../bytes/byte-reader.ts';
import { isDatasetError } from '../errors.ts';
import { canonicalText } from '../schema/dataset-schema.ts';
import { stateChecksum } from '../state/checksum.ts';
import type { ReadState } from '../state/read-state.ts';
import { hashState, toHex } from '../state/state-hash.ts';
import { loadAnnouncedVersion } from './announced-version.ts';
import type { HollowDirectory, Transition } from './hollow-directory.ts';

export interface VerifiedVersion {
  readonly version: bigint;
  /** Java's; null: the version cannot be reached. */
  readonly checksum: number | null;
  /** What was there and agreed. */
  readonly checked: readonly ('snapshot' | 'delta' | 'reverse delta' | 'header')[];
  /** Names of deltas that could not be tried: no blob leads to the version at their other end, as where old blobs were deleted. */
  readonly unchecked: readonly string[];
  readonly problems: readonly string[];
}

export interface VerifiedDirectory {
  readonly versions: readonly VerifiedVersion[];
  readonly announced: bigint | null;
  /** Of the directory as a whole. */
  readonly problems: readonly string[];
}

/**
 * Reads every version of a directory in every way there is: by its snapshot, by the deltas to it, also those of a failed
 * cycle, and back by the reverse deltas; all must come to the same records at the same ordinals, shards and header tags, and a header must be
 * that of the same state. Deltas do not lead through a change of the schemas: behind it comes what its snapshot has. Damage is a finding, not an
 * error.
 *
 * @param onVersion is called when a version is done
 * @throws DatasetError `unavailable`, `denied`
 */
export async function verifyDirectory(
  directory: HollowDirectory,
  onVersion: () => void = () => undefined,
): Promise<VerifiedDirectory> {
  const announced = await loadAnnouncedVersion(directory.path);
  const transitions = await directory.transitions();
  const versions: VerifiedVersion[] = [];
  const reached = new Map<bigint, Reached>();
  for (const version of await directory.versions()) {
    const report = new VersionReport(directory, version);
    const bySnapshot = await report.loadSnapshot();
    let way = bySnapshot;
    for (const delta of transitions) {
      if (delta.kind !== 'delta' || delta.to !== version) continue;
      const byDelta = await report.apply(delta, reached.get(delta.from));
      if (byDelta !== null && bySnapshot !== null && hasNewSchema(bySnapshot, byDelta)) continue;
      report.compare(bySnapshot === null ? 'delta' : 'snapshot', way, byDelta);
      way = byDelta ?? way;
    }
    for (const reverse of transitions) {
      if (reverse.kind === 'delta' || reverse.from !== version) continue;
      const to = reached.get(reverse.to);
      const back = await report.apply(reverse, to === undefined ? undefined : way);
      if (back !== null && to !== undefined && isOfOneSchema(back, to))
        report.compare('reverse delta', back, to);
    }
    await report.end(way);
    versions.push(report);
    onVersion();
    if (way !== null) reached.set(version, way);
    for (const known of [...reached.keys()])
      if (!isNeeded(known, version, transitions)) reached.delete(known);
  }
  const isReachable = announced === null || versions.some(({ version }) => version === announced);
  return {
    versions,
    announced,
    problems: isReachable ? [] : [`version ${announced} is announced and not there`],
  };
}

/** A state that one of the ways leads to, all of it read: damage may show only then. */
interface Reached {
  readonly state: ReadState;
  readonly checksum: number;
  /** Equal texts: the dumps would be equal, too. */
  readonly content: string;
}

function readWhole(state: ReadState): Reached {
  const { tag, headerTags, schema } = state;
  const hash = toHex(hashState(state, () => true));
  const shards = state.typeNames.toSorted().map((name) => state.type(name).shardCount);
  const parts = [
    String(tag),
    [...headerTags].toSorted(([a], [b]) => (a < b ? -1 : 1)),
    canonicalText(schema),
    shards,
    hash,
  ];
  return { state, checksum: stateChecksum(state), content: JSON.stringify(parts) };
}

/** Of the two, the snapshot is what was meant: its header says so. */
function hasNewSchema(bySnapshot: Reached, byDelta: Reached): boolean {
  return !isOfOneSchema(bySnapshot, byDelta) && hasSchemaItNames(bySnapshot.state);
}

function isOfOneSchema(one: Reached, other: Reached): boolean {
  return canonicalText(one.state.schema) === canonicalText(other.state.schema);
}

/** Some delta leads from here to a version that comes after `done`. */
function isNeeded(version: bigint, done: bigint, transitions: readonly Transition[]): boolean {
  return transitions.some(({ kind, from, to }) => {
    const [older, newer] = kind === 'delta' ? [from, to] : [to, from];
    return older === version && newer > done;
  });
}

class VersionReport implements VerifiedVersion {
  readonly version: bigint;
  checksum: number | null = null;
  readonly checked: VerifiedVersion['checked'][number][] = [];
  readonly unchecked: string[] = [];
  readonly problems: string[] = [];
  readonly #directory: HollowDirectory;

  constructor(directory: HollowDirectory, version: bigint) {
    this.#directory = directory;
    this.version = version;
  }

  /** Null: there is none, or it is damaged. */
  loadSnapshot(): Promise<Reached | null> {
    return this.#try('snapshot', async () => {
      const found = await this.#directory.findSnapshot(this.version);
      return found?.version === this.version ? readWhole(decodeSnapshot(found.main, found.parts)) : null;
    });
  }

  /** A delta that leads here, or a reverse delta that leads back from here. */
  async apply(transition: Transition, from: Reached | null | undefined): Promise<Reached | null> {
    if (from === null || from === undefined) {
      this.unchecked.push(hollowFileName(transition));
      return null;
    }
    return this.#try(transition.kind === 'delta' ? 'delta' : 'reverse delta', async () => {
      const found = await this.#directory.findTransition(transition);
      return found === null ? null : readWhole(applyDelta(from.state, found.main, found.parts).state);
    });
  }

  compare(what: string, one: Reached | null, other: Reached | null): void {
    if (one !== null && other !== null && one.content !== other.content)
      this.problems.push(`the ${what} leads to another state than the deltas`);
  }

  /** @param reached what the version is; null: nothing led there */
  async end(reached: Reached | null): Promise<void> {
    if (reached === null) {
      this.problems.push('cannot be reached');
      return;
    }
    this.checksum = reached.checksum;
    // A header says what is at the front of the snapshot, and is there without it.
    const tag = await this.#try('header', async () => {
      const bytes = await this.#directory.findHeader(this.version);
      return bytes === null ? null : readHeader(new ByteReader(bytes)).tag;
    });
    if (tag !== null && tag !== reached.state.tag) this.problems.push('the header is that of another state');
  }

  async #try<Found>(
    what: VerifiedVersion['checked'][number],
    load: () => Promise<Found | null>,
  ): Promise<Found | null> {
    try {
      const found = await load();
      if (found !== null && !this.checked.includes(what)) this.checked.push(what);
      return found;
    } catch (error) {
      if (!isDatasetError(error, 'corrupt') && !isDatasetError(error, 'incompatible')) throw error;
      this.problems.push(`the ${what} cannot be read: ${error.message}`);
      return null;
    }
  }
}
