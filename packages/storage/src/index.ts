export type {
  GetOptions,
  ObjectBody,
  ObjectFacts,
  ObjectStore,
  PutOptions,
  StoreCapabilities,
} from "./object-store.ts";
