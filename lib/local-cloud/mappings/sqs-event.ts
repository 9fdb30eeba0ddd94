/** Messages of SQS in the shape in which Lambda hands them to a function. */
import type { Message, MessageAttributeValue } from '@aws-sdk/client-sqs';
import { localRegion } from '../environment.ts';

/** The event's JSON for a batch. */
export function encodeSqsEvent(messages: readonly Message[], queueArn: string): Buffer {
  return Buffer.from(JSON.stringify({ Records: messages.map((message) => recordOf(message, queueArn)) }));
}

function recordOf(message: Message, queueArn: string): object {
  const attributes = Object.entries(message.MessageAttributes ?? {}).map(([name, value]) => [
    name,
    attributeOf(value),
  ]);
  return {
    messageId: message.MessageId,
    receiptHandle: message.ReceiptHandle,
    body: message.Body,
    attributes: message.Attributes,
    messageAttributes: Object.fromEntries(attributes),
    ...(message.MD5OfMessageAttributes === undefined
      ? {}
      : { md5OfMessageAttributes: message.MD5OfMessageAttributes }),
    md5OfBody: message.MD5OfBody,
    eventSource: 'aws:sqs',
    eventSourceARN: queueArn,
    awsRegion: localRegion,
  };
}

function attributeOf(value: MessageAttributeValue): object {
  return {
    ...(value.StringValue === undefined ? {} : { stringValue: value.StringValue }),
    ...(value.BinaryValue === undefined
      ? {}
      : { binaryValue: Buffer.from(value.BinaryValue).toString('base64') }),
    stringListValues: [],
    binaryListValues: [],
    dataType: value.DataType,
  };
}
