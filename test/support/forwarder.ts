import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/**
 * An address that stays while what stands behind it changes: in a test what HAProxy, a virtual address or a service of
 * Kubernetes is before PostgreSQL.
 */
export class Forwarder {
  private readonly open = new Set<Socket>();
  private last: string | undefined;

  private constructor(
    private readonly server: Server,
    /** The port on 127.0.0.1 behind which it is; may be set anew at any time. */
    public target: number,
  ) {
    server.on('connection', (socket) => this.join(socket));
  }

  static async to(target: number): Promise<Forwarder> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new Forwarder(server, target);
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** Leads new connections to another port and breaks those that are open. */
  lead(target: number): void {
    this.target = target;
    for (const socket of this.open) socket.destroy();
  }

  /** Breaks the connection on which this is sent next: it arrives, and its answer does not come back. */
  breakAfter(words: string): void {
    this.last = words;
  }

  async close(): Promise<void> {
    this.server.close();
    for (const socket of this.open) socket.destroy();
    await once(this.server, 'close');
  }

  private join(near: Socket): void {
    const far = connect(this.target, '127.0.0.1');
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      this.open.add(one);
      one
        .on('error', () => undefined)
        .on('close', () => {
          this.open.delete(one);
          other.destroy();
        });
      one.pipe(other);
    }
    near.on('data', (sent: Buffer) => {
      if (this.last === undefined || !sent.includes(this.last)) return;
      this.last = undefined;
      far
        .unpipe(near)
        .once('data', () => far.destroy())
        .resume();
    });
  }
}
