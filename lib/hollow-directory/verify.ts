import { applyDelta } from '../blob/apply-delta.ts';
import { readHeader } from '../blob/decode-header.ts';
import { decodeSnapshot } from '../blob/decode-snapshot.ts';
import { ByteReader } from '../bytes/byte-reader.ts';
import { isDatasetError } from '../errors.ts';
import type { ReadState } from '../state/read-state.ts';
import { hashState, toHex } from '../state/state-hash.ts';
import { loadAnnouncedVersion } from './announced-version.ts';
import type { HollowDirectory, Transition } from './hollow-directory.ts';

export interface VerifiedVersion {
  readonly version: bigint;
  /** What was there and agreed. */
  readonly checked: readonly ('snapshot' | 'delta' | 'reverse delta' | 'header')[];
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
 * cycle, and back by the reverse deltas; all must come to the same records at the same ordinals, and a header must be that of the same
 * state. Damage is a finding, not an error.
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
  const states = new Map<bigint, ReadState>();
  for (const version of await directory.versions()) {
    const report = new VersionReport(directory, version);
    const bySnapshot = await report.loadSnapshot();
    let state = bySnapshot;
    for (const delta of transitions) {
      const from = delta.kind === 'delta' && delta.to === version ? states.get(delta.from) : undefined;
      if (from === undefined) continue;
      const byDelta = await report.apply(delta, from);
      report.compare(bySnapshot === null ? 'delta' : 'snapshot', state, byDelta);
      state = byDelta ?? state;
    }
    for (const reverse of transitions) {
      const to = reverse.kind === 'delta' || reverse.from !== version ? undefined : states.get(reverse.to);
      if (to !== undefined && state !== null)
        report.compare('reverse delta', await report.apply(reverse, state), to);
    }
    if (state === null) report.problems.push('cannot be reached');
    else await report.checkHeader(state);
    versions.push(report);
    onVersion();
    if (state !== null) states.set(version, state);
    for (const known of [...states.keys()]) if (!isNeeded(known, version, transitions)) states.delete(known);
  }
  const isReachable = announced === null || versions.some(({ version }) => version === announced);
  return {
    versions,
    announced,
    problems: isReachable ? [] : [`version ${announced} is announced and not there`],
  };
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
  readonly checked: VerifiedVersion['checked'][number][] = [];
  readonly problems: string[] = [];
  readonly #directory: HollowDirectory;

  constructor(directory: HollowDirectory, version: bigint) {
    this.#directory = directory;
    this.version = version;
  }

  /** Null: there is none, or it is damaged. */
  loadSnapshot(): Promise<ReadState | null> {
    return this.#try('snapshot', async () => {
      const found = await this.#directory.findSnapshot(this.version);
      return found?.version === this.version ? decodeSnapshot(found.main, found.parts) : null;
    });
  }

  /** A delta that leads here, or a reverse delta that leads back from here. */
  apply(transition: Transition, from: ReadState): Promise<ReadState | null> {
    return this.#try(transition.kind === 'delta' ? 'delta' : 'reverse delta', async () => {
      const found = await this.#directory.findTransition(transition);
      return found === null ? null : applyDelta(from, found.main, found.parts).state;
    });
  }

  /** A header says what is at the front of the snapshot, and is there without it. */
  async checkHeader(state: ReadState): Promise<void> {
    const tag = await this.#try('header', async () => {
      const bytes = await this.#directory.findHeader(this.version);
      return bytes === null ? null : readHeader(new ByteReader(bytes)).tag;
    });
    if (tag !== null && tag !== state.tag) this.problems.push('the header is that of another state');
  }

  compare(what: string, one: ReadState | null, other: ReadState | null): void {
    if (one === null || other === null) return;
    if (one.tag !== other.tag || contentOf(one) !== contentOf(other)) {
      this.problems.push(`the ${what} leads to another state than the deltas`);
    }
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

function contentOf(state: ReadState): string {
  return toHex(hashState(state, () => true));
}
