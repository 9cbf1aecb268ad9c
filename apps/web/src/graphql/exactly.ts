/**
 * `Given`, in which nothing may be that `Wanted` has no place for, at any depth: the api refuses a field it does not know,
 * and the compiler alone lets one pass that comes by a spread or a variable.
 */
export type Exactly<Wanted, Given> = unknown extends Wanted
  ? Given
  : Given extends readonly (infer Item)[]
    ? readonly Exactly<ItemOf<Wanted>, Item>[]
    : Given extends object
      ? {
          readonly [Field in keyof Given]: Field extends FieldsOf<Wanted>
            ? Exactly<FieldOf<Wanted, Field>, Given[Field]>
            : never;
        }
      : Given;

/** Of a union, the fields of all its members. */
type FieldsOf<T> = T extends object ? keyof T : never;
type FieldOf<T, Field extends PropertyKey> = T extends object ? (Field extends keyof T ? T[Field] : never) : never;
type ItemOf<T> = T extends readonly (infer Item)[] ? Item : never;

/** What takes variables of a document: exactly those. */
export type Sends<V, Answer> = <Given extends V>(variables: Given & Exactly<V, Given>) => Answer;
