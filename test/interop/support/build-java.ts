/** Before all interop tests: the program is built once, not by each test file at the same time. */
import { canRunJava } from './java-availability.ts';

export function setup(): void {
  canRunJava();
}
