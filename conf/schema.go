package conf

import (
	"encoding/json"
	"reflect"

	"github.com/google/jsonschema-go/jsonschema"
)

// Schema is the JSON schema (draft 2020-12) of what Decode reads into a value of v's type, as indented JSON with a newline
// at the end. Descriptions come from the tags `doc`, words from `allowed`.
func Schema(title string, v any) []byte {
	t := reflect.TypeOf(v)
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	s := schemaOf(t)
	s.Schema = "https://json-schema.org/draft/2020-12/schema"
	s.Title = title
	b, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		panic("conf: " + err.Error()) // a schema built from Go types always prints
	}
	return append(b, '\n')
}

func schemaOf(t reflect.Type) *jsonschema.Schema {
	if t.Kind() == reflect.Pointer {
		return schemaOf(t.Elem())
	}
	if isScalar(t) {
		return scalarSchema(t)
	}
	switch t.Kind() {
	case reflect.Slice:
		return &jsonschema.Schema{Type: "array", Items: schemaOf(t.Elem())}
	case reflect.Map:
		return &jsonschema.Schema{Type: "object", AdditionalProperties: schemaOf(t.Elem())}
	case reflect.Struct:
		return structSchema(t)
	}
	panic("conf: " + t.String() + " has no schema")
}

func structSchema(t reflect.Type) *jsonschema.Schema {
	// "false" is written as the schema that nothing fits.
	s := &jsonschema.Schema{Type: "object", Properties: map[string]*jsonschema.Schema{}, AdditionalProperties: &jsonschema.Schema{Not: &jsonschema.Schema{}}}
	for _, f := range fieldsOf(t) {
		p := schemaOf(t.Field(f.index).Type)
		p.Description = f.doc
		for _, w := range f.allowed {
			p.Enum = append(p.Enum, w)
		}
		s.Properties[f.name] = p
		s.PropertyOrder = append(s.PropertyOrder, f.name)
		if f.required {
			s.Required = append(s.Required, f.name)
		}
	}
	return s
}

func scalarSchema(t reflect.Type) *jsonschema.Schema {
	if t == durationType {
		return &jsonschema.Schema{Type: "string", Pattern: `^-?([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))+$|^0$`, Examples: []any{"30ms"}}
	}
	if reflect.PointerTo(t).Implements(textType) {
		// Unquoted digits are text to Decode and a number to a checker of the schema: both must pass.
		return &jsonschema.Schema{Types: []string{"string", "number"}}
	}
	zero := 0.0
	switch t.Kind() {
	case reflect.String:
		return &jsonschema.Schema{Type: "string"}
	case reflect.Bool:
		return &jsonschema.Schema{Type: "boolean"}
	case reflect.Float32, reflect.Float64:
		return &jsonschema.Schema{Type: "number"}
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return &jsonschema.Schema{Type: "integer", Minimum: &zero}
	}
	return &jsonschema.Schema{Type: "integer"}
}
