import { writeFileSync } from 'node:fs';
import { Session, type Profiler } from 'node:inspector/promises';

// Loaded into a server before it starts: one SIGUSR2 begins a profile, the next writes it to PROFILE_TO.
const session = new Session();
session.connect();
let running = false;

process.on('SIGUSR2', () => void toggle());

async function toggle(): Promise<void> {
  running = !running;
  if (running) {
    await session.post('Profiler.enable');
    await session.post('Profiler.setSamplingInterval', { interval: 500 });
    await session.post('Profiler.start');
  } else {
    const { profile }: Profiler.StopReturnType = await session.post('Profiler.stop');
    writeFileSync(process.env.PROFILE_TO!, JSON.stringify(profile));
  }
}
