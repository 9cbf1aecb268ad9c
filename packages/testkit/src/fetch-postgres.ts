/** Run by `npm test`: fetches PostgreSQL of every major for the tests and runs each once, so that no test waits for it. */
import { majors, testPostgres } from "./test-postgres.ts";

const pending = [...majors];

async function lane(): Promise<void> {
  for (let major = pending.shift(); major !== undefined; major = pending.shift()) {
    const { version, binDir } = await testPostgres(major);
    console.log(`PostgreSQL ${version} in ${binDir}`);
  }
}

await Promise.all([lane(), lane()]);
