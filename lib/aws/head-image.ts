import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { datasetIdProblem } from '../dataset-id.ts';
import { DatasetError } from '../errors.ts';
import { FieldReader } from '../field-reader.ts';
import type { DatasetId, Head } from '../ports.ts';
import { decodeHeadItem } from './head-item.ts';

const keyPattern = /^C#([^#]*)#([^#]+)#(\d{1,5})$/;

/**
 * The head in a record of the table's stream, as Lambda hands it over: DynamoDB's JSON, bytes as base64. Null: the item
 * is no head.
 *
 * @param image `dynamodb.NewImage` of the record
 * @throws DatasetError as `decodeHeadItem`
 */
export function decodeHeadImage(image: unknown): { readonly id: DatasetId; readonly head: Head } | null {
  const item = itemOf(image, 'image');
  const match = keyPattern.exec(item['pk']?.S ?? '');
  if (match === null || item['sk']?.S !== 'HEAD') return null;
  const [, tenant = '', dataset = '', partition] = match;
  const id = { ...(tenant === '' ? {} : { tenant }), dataset, partition: Number(partition) };
  const problem = datasetIdProblem(id);
  if (problem !== null) throw new DatasetError('corrupt', `image.pk: ${problem}`);
  return { id, head: decodeHeadItem(item) };
}

function itemOf(value: unknown, at: string): Record<string, AttributeValue> {
  const fields = new FieldReader(value, at).entries();
  return Object.fromEntries(fields.map(([name, field]) => [name, attributeOf(field, `${at}.${name}`)]));
}

function attributeOf(field: FieldReader, at: string): AttributeValue {
  if (field.has('B')) return { B: Buffer.from(field.string('B'), 'base64') };
  if (field.has('S')) return { S: field.string('S') };
  if (field.has('N')) return { N: field.string('N') };
  if (field.has('M')) return { M: itemOf(field.value('M'), at) };
  if (field.has('L')) return { L: field.objects('L').map((each) => attributeOf(each, `${at}[]`)) };
  return { NULL: true };
}
