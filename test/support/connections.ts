import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

const established = '01';

/** TCP connections that a process holds now, as Linux tells: `address:port` of both ends, IPv4 inside IPv6 included. */
export function connectionsOf(
  processId: number,
): readonly { readonly local: string; readonly remote: string }[] {
  const inodes = new Set(
    readdirSync(`/proc/${processId}/fd`).flatMap((fd) => {
      try {
        return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${processId}/fd/${fd}`))?.[1] ?? [];
      } catch {
        return []; // closed meanwhile
      }
    }),
  );
  return ['tcp', 'tcp6'].flatMap((table) =>
    readFileSync(`/proc/${processId}/net/${table}`, 'utf8')
      .split('\n')
      .slice(1)
      .map((line) => line.trim().split(/\s+/))
      .filter((fields) => fields[3] === established && inodes.has(fields[9] ?? ''))
      .map((fields) => ({ local: addressOf(fields[1] ?? ''), remote: addressOf(fields[2] ?? '') })),
  );
}

/** `0100007F:1F90` is 127.0.0.1:8080: words of the address in the machine's byte order, which is little-endian here. */
function addressOf(text: string): string {
  const [address = '', port = ''] = text.split(':');
  const last = address.slice(-8);
  const bytes = [6, 4, 2, 0].map((at) => Number.parseInt(last.slice(at, at + 2), 16));
  const isV4 = address.length === 8 || address.startsWith('0000000000000000FFFF0000');
  return `${isV4 ? bytes.join('.') : address}:${Number.parseInt(port, 16)}`;
}
