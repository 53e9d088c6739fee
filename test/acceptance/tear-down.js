import process from 'node:process';

/** The administrator's session was the suite's own. */
export default async function tearDown() {
  const { leave } = await import('./target.ts');
  await leave(JSON.parse(process.env.LATCHKEY_ACCEPTANCE));
}
