import { Injectable } from '@nestjs/common';
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Reason } from '../refusal.js';
import { contribute, figuresOfAll, isOneOfMany } from './shared-metrics.js';

/** The figures that `/metrics` shows: the process's own and one count and duration for each request. */
@Injectable()
export class Metrics {
  private readonly registry = new Registry();
  private readonly requests = new Counter({
    name: 'http_requests_total',
    help: 'Requests answered.',
    labelNames: ['method', 'route', 'status'] as const,
    registers: [this.registry],
  });
  private readonly durations = new Histogram({
    name: 'http_request_duration_seconds',
    help: 'Seconds from the first byte of a request to the end of its answer.',
    labelNames: ['method', 'route', 'status'] as const,
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers: [this.registry],
  });

  private readonly refusals = new Counter({
    name: 'refusals_total',
    help: 'Requests refused, by reason; internal is a bug.',
    labelNames: ['reason'] as const,
    registers: [this.registry],
  });

  private readonly replicaReads = new Counter({
    name: 'replica_reads_total',
    help: 'Lists by who answered them: the replica, or the primary because it was behind or away.',
    labelNames: ['answered'] as const,
    registers: [this.registry],
  });

  private readonly events = new Counter({
    name: 'audit_events_total',
    help: 'Events of the audit log: sign-ins are action="session.open".',
    labelNames: ['action', 'outcome', 'reason'] as const,
    registers: [this.registry],
  });

  private gathering: Promise<string> | null = null;

  constructor() {
    collectDefaultMetrics({ register: this.registry });
    if (isOneOfMany) contribute(this.registry);
  }

  /** @param route the route's template, so that the number of series is bounded; undefined for none */
  countRequest(method: string, route: string | undefined, status: number, seconds: number): void {
    const labels = { method, route: route ?? 'none', status: `${Math.floor(status / 100)}xx` };
    this.requests.inc(labels);
    this.durations.observe(labels, seconds);
  }

  /** @param labels each out of a closed union, so that the number of series is bounded */
  countEvent(labels: { action: string; outcome: string; reason: string }): void {
    this.events.inc(labels);
  }

  /** @param reason out of the closed union of reasons, so that the number of series is bounded */
  countRefusal(reason: Reason): void {
    this.refusals.inc({ reason });
  }

  countReplicaRead(answered: 'replica' | 'behind' | 'away'): void {
    this.replicaReads.inc({ answered });
  }

  /**
   * Shows a figure that is read whenever the metrics are; null takes it off.
   * @param among how the figures of several processes make one: added up, unless each of them tells the whole
   */
  gauge(
    name: string,
    help: string,
    read: () => number | null | Promise<number | null>,
    among: 'sum' | 'max' = 'sum',
  ): void {
    new Gauge({
      name,
      help,
      registers: [this.registry],
      aggregator: among,
      async collect() {
        const value = await read();
        if (value === null) this.remove();
        else this.set(value);
      },
    });
  }

  /**
   * All figures in Prometheus's text format, with its media type; those of all processes of this instance in one.
   * They are open to all and cost every process some work, so whoever asks while they are gathered gets the same.
   * @throws Refusal unavailable while one of them does not say its own
   */
  async exposition(): Promise<{ contentType: string; text: string }> {
    this.gathering ??= (isOneOfMany ? figuresOfAll() : this.registry.metrics()).finally(() => {
      this.gathering = null;
    });
    return { contentType: this.registry.contentType, text: await this.gathering };
  }
}
