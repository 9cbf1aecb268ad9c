export interface UserRow {
  readonly id: string;
  readonly name: string;
  readonly username: string | null;
  readonly mustChangePassword: boolean;
  readonly createdAt: Date;
}

/** Beside better-auth, which keeps users, sessions and passwords through `Metadata.authClient`. */
export interface UserStore {
  count(): Promise<number>;
  get(id: string): Promise<UserRow | null>;
  findByUsername(username: string): Promise<UserRow | null>;
  setMustChangePassword(id: string, must: boolean): Promise<void>;
}
