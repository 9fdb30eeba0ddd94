import { applyDelta } from '../blob/apply-delta.ts';
import { decodeSnapshot } from '../blob/decode-snapshot.ts';
import { isDatasetError } from '../errors.ts';
import type { ReadState } from '../state/read-state.ts';
import { hashState, toHex } from '../state/state-hash.ts';
import { loadAnnouncedVersion } from './announced-version.ts';
import type { HollowDirectory } from './hollow-directory.ts';

export interface VerifiedVersion {
  readonly version: bigint;
  /** What was there and agreed. */
  readonly checked: readonly ('snapshot' | 'delta' | 'reverse delta')[];
  readonly problems: readonly string[];
}

export interface VerifiedDirectory {
  readonly versions: readonly VerifiedVersion[];
  readonly announced: bigint | null;
  /** Of the directory as a whole. */
  readonly problems: readonly string[];
}

/**
 * Reads every version of a directory in every way there is: by its snapshot, by the delta from the version before, and
 * back by the reverse delta; all must come to the same records at the same ordinals. Damage is a finding, not an error.
 *
 * @param onVersion is called when a version is done
 * @throws DatasetError `unavailable`, `denied`
 */
export async function verifyDirectory(
  directory: HollowDirectory,
  onVersion: () => void = () => undefined,
): Promise<VerifiedDirectory> {
  const announced = await loadAnnouncedVersion(directory.path);
  const versions: VerifiedVersion[] = [];
  let before: { version: bigint; state: ReadState } | null = null;
  for (const version of await directory.versions()) {
    const report = new VersionReport(directory, version);
    const bySnapshot = await report.loadSnapshot();
    const byDelta: ReadState | null = before === null ? null : await report.applyDelta(before);
    report.compare('snapshot', bySnapshot, byDelta);
    const state: ReadState | null = byDelta ?? bySnapshot;
    if (before !== null && state !== null) await report.applyReverseDelta(state, before);
    if (state === null) report.problems.push('cannot be reached');
    else before = { version, state };
    versions.push(report);
    onVersion();
  }
  const isReachable = announced === null || versions.some(({ version }) => version === announced);
  return {
    versions,
    announced,
    problems: isReachable ? [] : [`version ${announced} is announced and not there`],
  };
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

  applyDelta(before: { version: bigint; state: ReadState }): Promise<ReadState | null> {
    return this.#try('delta', async () => {
      const found = await this.#directory.findDelta(before.version);
      return found?.version === this.version ? applyDelta(before.state, found.main, found.parts).state : null;
    });
  }

  async applyReverseDelta(state: ReadState, before: { version: bigint; state: ReadState }): Promise<void> {
    const back = await this.#try('reverse delta', async () => {
      const found = await this.#directory.findReverseDelta(this.version);
      return found?.version === before.version ? applyDelta(state, found.main, found.parts).state : null;
    });
    this.compare('reverse delta', back, before.state);
  }

  compare(what: string, one: ReadState | null, other: ReadState | null): void {
    if (one === null || other === null) return;
    if (one.tag !== other.tag || contentOf(one) !== contentOf(other)) {
      this.problems.push(`the ${what} leads to another state than the deltas`);
    }
  }

  async #try(
    what: VerifiedVersion['checked'][number],
    load: () => Promise<ReadState | null>,
  ): Promise<ReadState | null> {
    try {
      const state = await load();
      if (state !== null) this.checked.push(what);
      return state;
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
