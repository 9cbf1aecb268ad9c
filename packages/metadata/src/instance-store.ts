export interface InstanceRow {
  readonly id: string;
  readonly workerPublicKey: string | null;
  readonly createdAt: Date;
}

export interface InstanceStore {
  /** Made by `migrate`. Throws `database-not-ours` when it is missing. */
  get(): Promise<InstanceRow>;
  /** Sets the public key when there is none; throws `worker-key-missing` when another one is there (this worker has the wrong private key). */
  setWorkerPublicKey(publicKey: string): Promise<InstanceRow>;
}
