import { AppError } from "@tidemark/kit";
import { plainCapabilities, type StoreCapabilities } from "./object-store.ts";
import { StoreWrapper } from "./store-wrapper.ts";

/** Refuses every change with `repository-read-only`: for readers that must not write even by mistake. */
export class ReadOnlyStore extends StoreWrapper {
  fileOf(key: string): string | null {
    return this.inner.fileOf?.(key) ?? null;
  }

  override async put(key: string): Promise<never> {
    throw this.#refusal("write", key);
  }

  override async beginAppend(): Promise<never> {
    throw this.#refusal("begin", "an object");
  }

  override async delete(key: string): Promise<never> {
    throw this.#refusal("delete", key);
  }

  /** Does not try the store, since trying writes. */
  override async probe(): Promise<StoreCapabilities> {
    return { exclusiveCreate: true, writable: false, ...plainCapabilities };
  }

  override async createsExclusively(): Promise<boolean> {
    return true;
  }

  #refusal(act: string, key: string): AppError {
    return new AppError("repository-read-only", {
      message: `will not ${act} ${key}: ${this.location} was opened for reading only`,
      context: { key, location: this.location },
    });
  }
}
