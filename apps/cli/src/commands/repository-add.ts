import { readFileSync } from "node:fs";
import { isAbsolute } from "node:path";
import { AppError } from "@tidemark/kit";
import type { Command } from "commander";
import { z } from "zod";
import { refuseUserErrors, UserError, userErrorFields } from "../api-client.ts";
import { type CommandContext, type CommonOptions, openSession } from "../context.ts";
import { credentialsFileHelp, readStoreCredentials } from "../direct-store.ts";
import { exitCodes } from "../exit-code.ts";
import { followRun, RunFacts, runFields, throwUnlessSucceeded } from "../follow-run.ts";
import { printOne } from "../output.ts";
import type { Register } from "../program.ts";
import { ProgressLine } from "../progress-line.ts";

interface AddOptions extends CommonOptions {
  readonly credentialsFile?: string;
  readonly keyFile?: string;
  readonly encryption: boolean;
}

/** `repository add`: opens the repository at an address, or makes one there. */
export function addRepositoryAdd(repository: Command, context: CommandContext, register: Register): void {
  register(
    repository
      .command("add <name> <address>")
      .description("open the repository at an address, or make one: /folder, s3://bucket/prefix, az://container/prefix")
      .option("--credentials-file <file>", credentialsFileHelp.replace("TIDEMARK_STORE_* is used", "the workers' own"))
      .option("--key-file <file>", "the key, recovery kit or passphrase of an encrypted one that is there already")
      .option("--no-encryption", "do not encrypt a new one"),
    (name, address, options) => addOne(context, name as string, address as string, options as AddOptions),
  );
}

async function addOne(context: CommandContext, name: string, address: string, options: AddOptions): Promise<number> {
  const session = openSession(context, options);
  const { api, output } = session;
  const input = {
    name,
    url: isAbsolute(address) ? `file://${address}` : address,
    encrypted: options.encryption,
    keyText: options.keyFile === undefined ? null : readKeyText(options.keyFile),
    storeCredentials: options.credentialsFile === undefined ? null : readStoreCredentials(options.credentialsFile),
  };
  const { addRepository: payload } = await api.query(
    z.object({
      addRepository: z.object({
        repository: z.object({ id: z.string(), name: z.string(), location: z.string() }).nullable(),
        run: RunFacts.nullable(),
        userErrors: z.array(UserError),
      }),
    }),
    `mutation ($input: AddRepositoryInput!) { addRepository(input: $input) { repository { id name location } run { ${runFields} } ${userErrorFields} } }`,
    { input },
  );
  refuseUserErrors(payload.userErrors);
  if (payload.run === null || payload.repository === null) {
    throw new AppError("internal", { message: "the control plane started no run for the repository" });
  }
  const line = new ProgressLine(output);
  const run = await followRun(api, payload.run.id, { onEvent: (event) => line.show(event), note: output.note });
  line.end();
  throwUnlessSucceeded(run);
  printOne(output, { ...payload.repository, state: "ready" }, [
    ["repository", payload.repository.name],
    ["location", payload.repository.location],
  ]);
  if (options.encryption) {
    output.note(`save its recovery kit now: tidemark repository recovery-kit ${payload.repository.name} --out FILE\n`);
  }
  return exitCodes.done;
}

function readKeyText(path: string): string {
  try {
    return readFileSync(path, "utf8").trim();
  } catch (cause) {
    throw new AppError("bad-request", { message: `${path} cannot be read`, hint: "nothing was changed", cause });
  }
}
