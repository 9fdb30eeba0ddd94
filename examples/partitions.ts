import {
  defineDataset,
  PartitionedConsumer,
  type PartitionedConsumerOptions,
  t,
  type,
} from 'serverless-hollow';

export const orders = defineDataset(
  {
    Customer: type({ id: t.long(), name: t.string() }, { primaryKey: ['id'] }),
    Order: type(
      { customer: t.long(), number: t.int(), total: t.double() },
      { primaryKey: ['customer', 'number'], partitionKey: ['customer'] }, // where its customer is
    ),
  },
  { partitions: 4 },
);

export async function totalOf(source: PartitionedConsumerOptions<typeof orders>, id: number) {
  const consumer = new PartitionedConsumer(source);
  await consumer.refresh(); // each partition goes to its newest version; consumer.versions says which
  const { state } = consumer;
  let total = 0;
  for (const order of state.type('Order')) if (order.customer === id) total += order.total ?? 0;
  return { name: state.type('Customer').get(id).name, total }; // looked up where the hash of the key says
}
