/** The same module as in the set-up, with what it remembers. */
export default async function tearDown() {
  const { stopRig } = await import('./rig.ts');
  await stopRig();
}
