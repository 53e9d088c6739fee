import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';

/** Where servers are that a user's own PATH may leave out. */
const DIRECTORIES = [
  ...(process.env.PATH ?? '').split(':'),
  '/usr/sbin',
  '/usr/local/sbin',
  '/opt/homebrew/bin',
];

/** The path of a program of this machine; null when it is not installed. */
export function findProgram(name: string): string | null {
  const paths = DIRECTORIES.filter((directory) => directory !== '').map((directory) => join(directory, name));
  return paths.find(isExecutable) ?? null;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
