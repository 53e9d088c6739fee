import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from './free-port.js';
import { findProgram } from './programs.js';

/** The path of nginx; null when it is not installed. */
export const NGINX = findProgram('nginx');

/** nginx before several instances, as docs/scaling.md has it. */
export class Nginx {
  private constructor(
    readonly port: number,
    private readonly directory: string,
    private readonly child: ChildProcess,
  ) {}

  /** @param ports of the instances, on 127.0.0.1 */
  static async before(ports: readonly number[]): Promise<Nginx> {
    const port = await freePort();
    const directory = await mkdtemp(join(tmpdir(), 'latchkey-test-'));
    const file = join(directory, 'nginx.conf');
    await writeFile(file, configuration(port, ports, directory));
    const child = spawn(NGINX ?? 'nginx', ['-p', directory, '-e', join(directory, 'error.log'), '-c', file]);
    const nginx = new Nginx(port, directory, child);
    while (!(await answers(port))) {
      if (child.exitCode !== null) throw new Error('nginx did not start');
      await sleep(20);
    }
    return nginx;
  }

  async stop(): Promise<void> {
    const ended = once(this.child, 'close');
    this.child.kill('SIGTERM');
    await ended;
    await rm(this.directory, { recursive: true, force: true });
  }
}

function configuration(port: number, ports: readonly number[], directory: string): string {
  return `
    ${process.getuid?.() === 0 ? 'user root;' : ''}
    daemon off;
    worker_processes 1;
    pid ${directory}/pid;
    events { worker_connections 512; }
    http {
      access_log off;
      client_body_temp_path ${directory}/body;
      proxy_temp_path ${directory}/proxy;
      fastcgi_temp_path ${directory}/fastcgi;
      uwsgi_temp_path ${directory}/uwsgi;
      scgi_temp_path ${directory}/scgi;
      upstream latchkey {
        ${ports.map((each) => `server 127.0.0.1:${each} max_fails=3 fail_timeout=1s;`).join('\n        ')}
        keepalive 32;
      }
      server {
        listen 127.0.0.1:${port};
        location / {
          proxy_pass http://latchkey;
          proxy_http_version 1.1;
          proxy_set_header Connection "";
          proxy_set_header Host $http_host;
          proxy_set_header X-Forwarded-For $remote_addr;
        }
      }
    }`;
}

async function answers(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  const connected = await Promise.race([
    once(socket, 'connect').then(() => true),
    once(socket, 'error').then(() => false),
  ]).catch(() => false);
  socket.destroy();
  return connected;
}
