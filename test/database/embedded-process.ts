import { Config } from '../../src/config.js';
import { openDatabase } from '../../src/database/open.js';

// A Latchkey process of which only the database is there: opens it, prints its address, closes it with standard input.
const [dataDir, role] = process.argv.slice(2);
const config = new Config({ DATA_DIR: dataDir });
try {
  const database = await openDatabase(config, role === 'server' ? 'server' : 'command');
  process.stdout.write(`${JSON.stringify({ url: database.url, key: database.secretKey.toString('hex') })}\n`);
  process.stdin.on('end', () => void database.close()).resume();
} catch (error) {
  process.stderr.write((error as Error).message);
  process.exitCode = 1;
}
