"use client";
import { Choice, TextField } from "#ui/field.tsx";

export type BackupMethod = "STREAM" | "READ_FILES" | "LOCAL_FILES";

/** Sessions that read files side by side unless one says otherwise, as the api has it. */
export const startingReaders = 4;
const mostReaders = 16;

const methods = [
  {
    method: "STREAM",
    title: "Stream",
    sentence: "Over the replication protocol. The role needs REPLICATION; right for nearly every server.",
  },
  {
    method: "READ_FILES",
    title: "Read files",
    sentence:
      "File by file over ordinary sessions, for servers where the replication protocol cannot be used. The role needs the backup functions and pg_read_server_files.",
  },
  {
    method: "LOCAL_FILES",
    title: "Local files",
    sentence:
      "From the file system, where worker and server share the machine and the worker may read the data directory.",
  },
] as const;

interface Props {
  readonly method: BackupMethod;
  readonly onChange: (method: BackupMethod) => void;
}

/** How the files of a backup come. */
export function MethodFields({ method, onChange }: Props) {
  return (
    <fieldset className="space-y-2">
      <legend className="mb-1 text-sm font-medium">How</legend>
      {methods.map((one) => (
        <Choice
          key={one.method}
          name="method"
          value={one.method}
          title={one.title}
          checked={method === one.method}
          onChoose={() => onChange(one.method)}
        >
          {one.sentence}
        </Choice>
      ))}
      {method === "READ_FILES" && (
        <TextField
          label="Sessions that read"
          name="readers"
          type="number"
          min={1}
          max={mostReaders}
          defaultValue={startingReaders}
          inputMode="numeric"
          hint={`1 to ${mostReaders}, side by side.`}
        />
      )}
    </fieldset>
  );
}
