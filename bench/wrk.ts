import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { requestsOf, type Seen, type Target } from './load.js';

/** Whether this machine has wrk. */
export const hasWrk = new Promise<boolean>((resolve) => {
  execFile('wrk', ['--version'], (error) =>
    resolve((error as NodeJS.ErrnoException | null)?.code !== 'ENOENT'),
  );
});

/** Sends a target's requests by wrk: one thread, which costs least of what the server needs. */
export async function byWrk(
  target: Target,
  { connections, seconds }: { connections: number; seconds: number },
): Promise<Seen> {
  const directory = await mkdtemp(join(tmpdir(), 'latchkey-wrk-'));
  try {
    const script = join(directory, 'requests.lua');
    await writeFile(script, scriptFor(target), { mode: 0o600 });
    const options = ['-t1', `-c${connections}`, `-d${seconds}s`, '--timeout', '10s', '-s', script];
    const child = spawn('wrk', [...options, target.server.url], { stdio: ['ignore', 'pipe', 'pipe'] });
    const ended = once(child, 'close');
    const [printed, complaints] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
    const seen = /^seen (.*)$/m.exec(printed)?.[1];
    if (seen === undefined) throw new Error(`wrk: ${complaints}${printed}`);
    return JSON.parse(seen) as Seen;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** Requests are made once and sent in turn: wrk's own scripting would cost more than the server. */
function scriptFor(target: Target): string {
  const requests = requestsOf(target).map(({ method, path, headers, body }) => {
    const table = Object.entries(headers).map(([name, value]) => `[${quoted(name)}]=${quoted(value)}`);
    const content = body === undefined ? 'nil' : quoted(body);
    return `wrk.format(${quoted(method)}, ${quoted(path)}, {${table.join(',')}}, ${content})`;
  });
  return `
local requests
local at = 0
init = function()
  requests = {${requests.join(',\n')}}
end
request = function()
  at = at % #requests + 1
  return requests[at]
end
done = function(summary, latency)
  local errors = summary.errors
  io.write(string.format('seen {"answered":%d,"failed":%d,"seconds":%f,"p99Milliseconds":%f}\\n', summary.requests,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout, summary.duration / 1e6,
    latency:percentile(99) / 1e3))
end
`;
}

/** A text as Lua writes it; of what is not printable ASCII, its bytes. */
function quoted(value: string): string {
  const bytes = [...Buffer.from(value)];
  const escaped = bytes.map((byte) =>
    byte < 0x20 || byte > 0x7e || byte === 0x22 || byte === 0x5c
      ? `\\${String(byte).padStart(3, '0')}`
      : String.fromCharCode(byte),
  );
  return `"${escaped.join('')}"`;
}
