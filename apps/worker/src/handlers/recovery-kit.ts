import type { RecoveryKitResult } from "@tidemark/jobs";
import { seal } from "@tidemark/kit/sealed-text";
import { recoveryKit, recoveryKitPage } from "@tidemark/repository";
import { asRepositoryKey, openRegisteredRepository } from "../open-repository.ts";
import type { RunHandler } from "../run-context.ts";

/** Makes the kit and seals it for the one who asked: nobody else, the api included, can open the result. */
export const recoveryKitHandler: RunHandler<"recovery-kit"> = async ({ request, deps }) => {
  const { repositories, servers } = deps.metadata;
  const row = await repositories.get(request.repositoryId);
  const { sealedKey } = await repositories.credentials(request.repositoryId);
  const repository = await openRegisteredRepository(deps, request.repositoryId);
  try {
    const key = sealedKey === null ? null : asRepositoryKey(await deps.key.open(sealedKey));
    const stored = (await servers.all()).filter((server) => server.repositoryId === request.repositoryId);
    const slots = (await repository.keys?.list())?.slots;
    const make = request.form === "page" ? recoveryKitPage : recoveryKit;
    const text = make(repository, key, {
      ...(row === null ? {} : { name: row.name }),
      serverNames: stored.map((server) => server.name),
      madeAt: deps.clock.now(),
      ...(slots === undefined ? {} : { slots }),
    });
    const result: RecoveryKitResult = {
      sealedKit: await seal(request.recipient, text),
      fileName: `tidemark-recovery-kit-${repository.id}.${request.form === "page" ? "html" : "txt"}`,
    };
    return { kind: "done", result };
  } finally {
    await repository.close();
  }
};
