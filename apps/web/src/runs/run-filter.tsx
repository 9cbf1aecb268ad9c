import { Button } from "#ui/button.tsx";
import { SelectField } from "#ui/field.tsx";
import { type RunKind, runKindNames, runKinds } from "./run-state.ts";

/** A plain form: the choice is in the address, so that it can be passed on. */
export function RunFilter({ kind }: { readonly kind: RunKind | null }) {
  return (
    <form method="get" className="flex items-end gap-2">
      <SelectField label="Kind" name="kind" defaultValue={kind ?? ""}>
        <option value="">All kinds</option>
        {runKinds.map((value) => (
          <option key={value} value={value}>
            {runKindNames[value]}
          </option>
        ))}
      </SelectField>
      <Button type="submit">Show</Button>
    </form>
  );
}
