import type { TokenAccess } from "@tidemark/metadata";

/** Who asks. */
export interface Principal {
  readonly kind: "user" | "token";
  /** The user's or the token's id. */
  readonly id: string;
  readonly name: string;
  readonly access: TokenAccess;
  readonly mustChangePassword: boolean;
  /** As runs and the audit name it: `user:admin`, `token:tmk_ab12cd34`. */
  readonly actor: string;
}
