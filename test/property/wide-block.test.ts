import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ByteWriter } from '../../lib/bytes/byte-writer.ts';
import { decodeUnits } from '../../lib/bytes/code-units.ts';
import { WideBlock } from '../../lib/state/wide-block.ts';

const unit = fc.oneof(fc.nat(0x7f), fc.nat(0xffff), fc.constantFrom(0x80, 0x3fff, 0x4000, 0xd800));
const text = fc.array(unit, { maxLength: 40 }).map((units) => String.fromCharCode(...units));

describe('a block of texts that are not ASCII', () => {
  it('has each of them where its bytes are', () => {
    fc.assert(
      fc.property(fc.array(text, { maxLength: 30 }), fc.nat(40), (texts, start) => {
        const out = new ByteWriter();
        for (let i = 0; i < start; i++) out.writeByte(0x41);
        const ends = texts.map((each) => {
          out.writeUnits(each);
          return out.position;
        });
        const bytes = out.bytes.slice(0, out.position);
        const block = WideBlock.of(bytes, start, bytes.length);
        texts.forEach((each, k) => {
          const from = k === 0 ? start : (ends[k - 1] as number);
          expect(block.slice(from - start, (ends[k] as number) - start)).toBe(each);
          expect(decodeUnits(bytes, from, ends[k] as number)).toBe(each);
        });
        expect(block.slice(0, bytes.length - start)).toBe(texts.join(''));
        expect(block.size).toBeGreaterThanOrEqual(2 * texts.join('').length);
      }),
    );
  });
});
