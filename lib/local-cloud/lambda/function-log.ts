/**
 * Reads what programs print, line by line: metrics in CloudWatch's embedded metric format are added up, all other lines
 * are passed on. Stands for CloudWatch Logs and Metrics.
 */
import { StringDecoder } from 'node:string_decoder';

export interface MetricTotals {
  readonly count: number;
  readonly sum: number;
  readonly min: number;
  readonly max: number;
}

/** `source`: name of the function or program. `logStream`: tells its processes apart, as CloudWatch Logs does. */
export type LogListener = (source: string, line: string, logStream: string) => void;

export class FunctionLog {
  readonly #metrics = new Map<string, MetricTotals>();
  readonly #metricsByStream = new Map<string, Map<string, MetricTotals>>();
  readonly #listener: LogListener;
  #invalidMetricLines = 0;

  constructor(listener: LogListener = () => {}) {
    this.#listener = listener;
  }

  /** Totals by metric name since the start, over all programs and dimensions. */
  metrics(): ReadonlyMap<string, MetricTotals> {
    return new Map(this.#metrics);
  }

  /** The same for each log stream: what one process has done. */
  metricsByStream(): ReadonlyMap<string, ReadonlyMap<string, MetricTotals>> {
    return new Map(
      Array.from(this.#metricsByStream, ([logStream, metrics]) => [logStream, new Map(metrics)]),
    );
  }

  /** Lines that named metrics but carried no values for them: CloudWatch would drop these in silence. */
  get invalidMetricLines(): number {
    return this.#invalidMetricLines;
  }

  /** Reads a stream to its end. */
  follow(source: string, stream: NodeJS.ReadableStream, logStream = source): void {
    const decoder = new StringDecoder('utf8');
    let rest = '';
    stream.on('data', (chunk: Buffer) => {
      const lines = (rest + decoder.write(chunk)).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) this.#take({ source, logStream }, line);
    });
    stream.on('end', () => {
      if (rest !== '') this.#take({ source, logStream }, rest);
    });
  }

  #take({ source, logStream }: { source: string; logStream: string }, line: string): void {
    const metrics = line.includes('"CloudWatchMetrics"') ? readMetrics(line) : undefined;
    if (metrics === undefined) return this.#listener(source, line, logStream);
    const ofStream = this.#metricsByStream.get(logStream) ?? new Map<string, MetricTotals>();
    this.#metricsByStream.set(logStream, ofStream);
    for (const { name, values } of metrics) {
      if (values.length === 0) this.#invalidMetricLines += 1;
      for (const totals of [this.#metrics, ofStream]) {
        for (const value of values) totals.set(name, added(totals.get(name), value));
      }
    }
  }
}

function added(totals: MetricTotals | undefined, value: number): MetricTotals {
  if (totals === undefined) return { count: 1, sum: value, min: value, max: value };
  return {
    count: totals.count + 1,
    sum: totals.sum + value,
    min: Math.min(totals.min, value),
    max: Math.max(totals.max, value),
  };
}

interface EmbeddedMetrics {
  readonly [name: string]: unknown;
  readonly _aws?: {
    readonly CloudWatchMetrics?: readonly { readonly Metrics?: readonly { readonly Name: string }[] }[];
  };
}

function readMetrics(line: string): { name: string; values: number[] }[] | undefined {
  let document: EmbeddedMetrics;
  try {
    document = JSON.parse(line);
  } catch {
    return undefined;
  }
  const names = document._aws?.CloudWatchMetrics?.flatMap((group) => group.Metrics ?? []).map(
    (metric) => metric.Name,
  );
  return names?.map((name) => ({
    name,
    values: [document[name]].flat().filter((value): value is number => typeof value === 'number'),
  }));
}
