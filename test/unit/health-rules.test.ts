import { describe, expect, it } from 'vitest';
import { healthBounds, judgeHealth } from '../../lib/health-rules.ts';
import { limits } from '../../lib/limits.ts';
import { RateWindow } from '../../lib/rate-window.ts';

const well = { idleMs: 0, idleMsMax: 30_000, errorRate: 0, memoryShare: 0 };

describe('judgeHealth', () => {
  it.each([
    [{ idleMs: 30_000, errorRate: 0.05, memoryShare: 0.8 }, 'healthy', []],
    [{ idleMs: 30_001 }, 'unhealthy', ['no activity for 30 s, at most 30 s']],
    [{ idleMs: null }, 'unhealthy', ['no activity yet']],
    [{ errorRate: 0.051 }, 'degraded', ['error rate 5.1 %, at most 5 %']],
    [{ memoryShare: 0.81 }, 'degraded', ['memory 81 %, at most 80 %']],
    [
      { idleMs: 90_000, errorRate: 1, memoryShare: 0.9 },
      'unhealthy',
      ['no activity for 90 s, at most 30 s', 'error rate 100 %, at most 5 %', 'memory 90 %, at most 80 %'],
    ],
  ] as const)('says of %j: %s', (vitals, status, reasons) => {
    expect(judgeHealth({ ...well, ...vitals })).toEqual({ status, reasons });
  });

  it('calls no consumer idle for polling as slowly as it may', () => {
    expect(limits.pollMsMax * 1.5).toBeLessThanOrEqual(healthBounds.consumerIdleMsMax);
    expect(healthBounds.heartbeatMs * 2).toBeLessThanOrEqual(healthBounds.consumerIdleMsMax);
  });
});

describe('RateWindow', () => {
  it('is the share of failures in the last five minutes', () => {
    const window = new RateWindow();
    for (let second = 0; second < 3600; second++) window.add(second % 20 === 0, second * 1000);
    expect(window.rate(3_599_000)).toBeCloseTo(0.05, 3);
    expect(window.rate(3_599_000 + healthBounds.errorWindowMs)).toBe(0);
  });

  it('says nothing of a few operations, nor of those long ago', () => {
    const window = new RateWindow();
    for (let i = 1; i < healthBounds.operationsMin; i++) window.add(true, i);
    expect(window.rate(100)).toBe(0);
    window.add(true, 100);
    expect(window.rate(100)).toBe(1);
    expect(window.rate(1e12)).toBe(0);
  });
});
