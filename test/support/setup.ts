/** Runs before every test file. A silent fall-back to the host's older Node is the failure mode it catches. */
import { assertNodeVersion } from './node-version.ts';

assertNodeVersion();
