import type { ReadState } from '../../lib/state/read-state.ts';
import { type RecordView, recordViewer } from '../../lib/state/record.ts';

/** A record as it is stored, as an object. */
export function recordView(state: ReadState, type: string, ordinal: number): RecordView {
  return recordViewer(state, type, null)(ordinal);
}
