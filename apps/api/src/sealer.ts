import { AppError, Secret } from "@tidemark/kit";
import { newSealingKeys, openSealed, seal } from "@tidemark/kit/sealed-text";
import type { Metadata } from "@tidemark/metadata";

/** Sealed boxes: the api closes them for the workers and cannot open them again. */
export interface Sealer {
  /** Seals for the workers. Throws `worker-key-missing` while no worker has made the pair. */
  seal(text: string): Promise<string>;
  /** A pair for one download; only the asker keeps the private half. */
  makePair(): Promise<{ readonly publicKey: string; readonly privateKey: string }>;
  /** Opens what was sealed for such a pair. Throws `not-allowed` for any other key. */
  open(privateKey: string, sealed: string): Promise<string>;
}

/** `publicKey`: null reads the instance's row, once it is there. */
export function createSealer(metadata: Pick<Metadata, "instance">, publicKey: string | null): Sealer {
  let known = publicKey;
  return {
    async seal(text) {
      known ??= (await metadata.instance.get()).workerPublicKey;
      if (known === null) {
        throw new AppError("worker-key-missing", {
          message: "no worker has run yet, so there is no key to seal the secret with",
          hint: "start a worker and try again; nothing was stored",
        });
      }
      return await seal(known, text);
    },
    async makePair() {
      const pair = await newSealingKeys();
      return { publicKey: pair.publicKey, privateKey: pair.privateKey.reveal() };
    },
    async open(privateKey, sealed) {
      try {
        return (await openSealed(new Secret(privateKey), sealed)).reveal();
      } catch (cause) {
        throw new AppError("not-allowed", { message: "this token does not open this download", cause });
      }
    },
  };
}
