import { readdir, readFile } from 'node:fs/promises';

/** Clock ticks of /proc in a second: USER_HZ, 100 on every Linux. */
const TICKS_A_SECOND = 100;
const BYTES_A_PAGE = 4096;

/** Seconds of processor time that a process and all its children have used so far; null where there is no /proc. */
export async function processorSeconds(pid: number): Promise<number | null> {
  const table = await processes();
  if (!table.has(pid)) return null;
  return familyOf(pid, table).reduce((sum, each) => sum + each.seconds, 0);
}

/** Bytes of memory that a process and all its children hold now; null where there is no /proc. */
export async function residentBytes(pid: number): Promise<number | null> {
  const table = await processes();
  if (!table.has(pid)) return null;
  return familyOf(pid, table).reduce((sum, each) => sum + each.residentBytes, 0);
}

interface Process {
  readonly parent: number;
  /** Its own, and that of its children that have ended. */
  readonly seconds: number;
  readonly residentBytes: number;
}

function familyOf(pid: number, table: ReadonlyMap<number, Process>): Process[] {
  const children = [...table].filter(([, { parent }]) => parent === pid);
  const own = table.get(pid);
  return [...(own ? [own] : []), ...children.flatMap(([child]) => familyOf(child, table))];
}

/** Every process of the machine: proc(5), `/proc/pid/stat`. */
async function processes(): Promise<Map<number, Process>> {
  const names = await readdir('/proc').catch(() => []);
  const table = new Map<number, Process>();
  const read = async (pid: number) => {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null);
    if (stat === null) return; // it has ended meanwhile
    const fields = stat
      .slice(stat.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number);
    const ticks = [11, 12, 13, 14].reduce((sum, at) => sum + fields[at]!, 0);
    const residentBytes = fields[21]! * BYTES_A_PAGE;
    table.set(pid, { parent: fields[1]!, seconds: ticks / TICKS_A_SECOND, residentBytes });
  };
  await Promise.all(names.filter((name) => /^\d+$/.test(name)).map((name) => read(Number(name))));
  return table;
}
