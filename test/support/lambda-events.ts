/** Events in the shapes that Lambda hands over: developer guide, "Using Lambda with Amazon SQS" and "EventBridge". */
import type { Context, EventBridgeEvent, SQSEvent, SQSRecord } from 'aws-lambda';
import { announcementDetailType, announcementSource } from '../../lib/announcement.ts';
import type { Announcement } from '../../lib/ports.ts';

export function sqsRecord(messageId: string, body: string, correlationId?: string): SQSRecord {
  return {
    messageId,
    receiptHandle: `receipt-${messageId}`,
    body,
    attributes: {
      ApproximateReceiveCount: '1',
      SentTimestamp: '1763900000000',
      SenderId: 'AIDAEXAMPLE',
      ApproximateFirstReceiveTimestamp: '1763900000050',
    },
    messageAttributes:
      correlationId === undefined
        ? {}
        : {
            correlationId: {
              stringValue: correlationId,
              stringListValues: [],
              binaryListValues: [],
              dataType: 'String',
            },
          },
    md5OfBody: '098f6bcd4621d373cade4e832627b4f6',
    eventSource: 'aws:sqs',
    eventSourceARN: 'arn:aws:sqs:eu-west-1:123456789012:mutations',
    awsRegion: 'eu-west-1',
  };
}

export const sqsEvent = (...records: readonly SQSRecord[]): SQSEvent => ({ Records: [...records] });

export function announcementEvent(
  announcement: Announcement,
): EventBridgeEvent<typeof announcementDetailType, Announcement> {
  return {
    version: '0',
    id: '6a7e8feb-b491-4cf7-a9f1-bf3703467718',
    'detail-type': announcementDetailType,
    source: announcementSource,
    account: '123456789012',
    time: '2026-11-23T15:00:00Z',
    region: 'eu-west-1',
    resources: [],
    detail: announcement,
  };
}

export function lambdaContext(remainingMs = 30_000): Context {
  return {
    callbackWaitsForEmptyEventLoop: true,
    functionName: 'function-under-test',
    functionVersion: '7',
    invokedFunctionArn: 'arn:aws:lambda:eu-west-1:123456789012:function:function-under-test:live',
    memoryLimitInMB: '1024',
    awsRequestId: 'request-1',
    logGroupName: 'logs',
    logStreamName: 'stream',
    getRemainingTimeInMillis: () => remainingMs,
    done: () => undefined,
    fail: () => undefined,
    succeed: () => undefined,
  };
}

type Line = Readonly<Record<string, unknown>>;

/** How `action` ended, and the JSON lines written meanwhile: logs, and metrics in the embedded format. */
export async function capture<T>(
  action: () => Promise<T>,
): Promise<{ readonly outcome: PromiseSettledResult<T>; readonly lines: readonly Line[] }> {
  const written: string[] = [];
  const streams = [process.stdout, process.stderr].map((stream) => ({
    stream,
    write: stream.write.bind(stream),
  }));
  for (const { stream } of streams) {
    stream.write = (chunk: string | Uint8Array) => {
      written.push(typeof chunk === 'string' ? chunk : new TextDecoder().decode(chunk));
      return true;
    };
  }
  let outcome: PromiseSettledResult<T>;
  try {
    [outcome] = await Promise.allSettled([action()]);
  } finally {
    for (const { stream, write } of streams) stream.write = write;
  }
  const lines = written.join('').split('\n');
  return {
    outcome,
    lines: lines.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line) as Line),
  };
}
