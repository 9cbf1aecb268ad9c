"use client";
import { Choices } from "#ui/choices.tsx";
import { TextField } from "#ui/field.tsx";
import { type BackupMethod, backupMethods } from "./backup-methods.ts";

/** Sessions that read files side by side unless one says otherwise, as the api has it. */
export const startingReaders = 4;
const mostReaders = 16;

interface ChoiceProps {
  readonly legend: string;
  readonly method: BackupMethod;
  readonly onChange: (method: BackupMethod) => void;
}

/** The methods with a sentence each. */
export function MethodChoice({ legend, method, onChange }: ChoiceProps) {
  return <Choices legend={legend} options={backupMethods} chosen={method} onChoose={onChange} />;
}

/** How the files of one backup come. */
export function MethodFields({ method, onChange }: Omit<ChoiceProps, "legend">) {
  return (
    <div className="space-y-2">
      <MethodChoice legend="How" method={method} onChange={onChange} />
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
    </div>
  );
}
