/* What a type means for a module: types are sorted into the classes of facts/kinds.def. */
#include "source/walk/types.h"

/* An atomic pointer to an object is shared as much as a plain one. */
static void
types_classify_atomic(struct unit *u, CXType value, struct type_facts *out)
{
    struct type_facts inner = {0};
    if (u->cx->getCanonicalType(value).kind == CXType_Pointer) {
        types_classify(u, value, &inner);
    }
    bool object = str_same(inner.class, "object-pointer");
    out->is_atomic = true;
    out->class = object ? inner.class : "scalar";
    out->holds = object ? inner.holds : NULL;
    out->record = object ? inner.record : out->record;
}

static void
types_classify_record(struct unit *u, CXType type, struct type_facts *out, bool by_pointer)
{
    struct record_info *record = unit_record(u, type);
    if ((!record->name || (record->shallow && !by_pointer)) && !record->busy) {
        types_fill_record(u, type, record, by_pointer);
    }
    out->record = record->name;
    out->class = record->class ? record->class : "struct";
    out->holds = record->holds;
    out->is_nontrivial = record->is_nontrivial;
    if (str_same(record->name, "std::atomic_flag")) {
        out->is_atomic = true;
    }
    else if (str_starts(record->name, "std::atomic")) {
        types_classify_atomic(u, u->cx->Type_getTemplateArgumentAsType(type, 0), out);
    }
}

static void
types_classify_pointer(struct unit *u, CXType pointee, struct type_facts *out)
{
    const struct cx *cx = u->cx;
    out->class = "pointer";
    if (pointee.kind == CXType_FunctionProto || pointee.kind == CXType_FunctionNoProto) {
        out->class = "function-pointer";
    }
    else if (pointee.kind == CXType_Char_S || pointee.kind == CXType_SChar ||
             pointee.kind == CXType_UChar || pointee.kind == CXType_Char_U ||
             pointee.kind == CXType_WChar) {
        out->class = "string";
    }
    else if (pointee.kind == CXType_Record) {
        struct type_facts inner = {0};
        types_classify_record(u, pointee, &inner, true);
        const char *known = types_known_pointee(inner.record);
        bool object =
            str_same(inner.class, "object-struct") || str_same(inner.class, "type-object");
        out->class = known ? known : object ? "object-pointer" : "pointer";
        out->record = inner.record;
        if (inner.holds && str_list_has(inner.holds, "object-pointer")) {
            out->holds = "via-object-pointer";
        }
    }
    else if (pointee.kind == CXType_Pointer) {
        struct type_facts inner = {0};
        types_classify_pointer(u, cx->getCanonicalType(cx->getPointeeType(pointee)), &inner);
        if (str_same(inner.class, "object-pointer")) {
            out->holds = "via-object-pointer";
        }
    }
    if (str_same(out->class, "object-pointer")) {
        out->holds = "object-pointer";
    }
}

/* The class a typedef's own name decides (PyThread_type_lock is a void pointer underneath). */
static const char *
types_typedef_class(struct unit *u, CXType type)
{
    for (int depth = 0; type.kind == CXType_Typedef || type.kind == CXType_Elaborated; depth++) {
        if (depth > 16) {
            break;
        }
        if (type.kind == CXType_Elaborated) {
            type = u->cx->Type_getNamedType(type);
            continue;
        }
        const char *name = cx_text(u->cx, u->strings, u->cx->getTypedefName(type));
        const char *class = types_known_record(name);
        if (class) {
            return class;
        }
        type = u->cx->getTypedefDeclUnderlyingType(u->cx->getTypeDeclaration(type));
    }
    return NULL;
}

static bool
types_is_array(CXType type)
{
    return type.kind == CXType_ConstantArray || type.kind == CXType_IncompleteArray ||
           type.kind == CXType_VariableArray || type.kind == CXType_DependentSizedArray;
}

void
types_classify(struct unit *u, CXType type, struct type_facts *out)
{
    const struct cx *cx = u->cx;
    *out = (struct type_facts){0};
    CXType sugared = type;
    type = cx->getCanonicalType(type);
    /* Canonical arrays hoist the qualifier, so it is looked for at every level on the way down. */
    while (types_is_array(type)) {
        out->is_array = true;
        out->is_const |= cx->isConstQualifiedType(type) != 0;
        sugared = types_is_array(sugared) ? cx->getArrayElementType(sugared)
                                          : cx->getArrayElementType(type);
        type = cx->getCanonicalType(cx->getArrayElementType(type));
    }
    out->is_const |= cx->isConstQualifiedType(type) != 0;
    out->is_volatile = cx->isVolatileQualifiedType(type) != 0;
    if (type.kind == CXType_LValueReference || type.kind == CXType_RValueReference) {
        type = cx->getCanonicalType(cx->getPointeeType(type));
    }
    const char *by_typedef = types_typedef_class(u, sugared);
    if (type.kind == CXType_Record) {
        types_classify_record(u, type, out, false);
    }
    else if (type.kind == CXType_Pointer) {
        types_classify_pointer(u, cx->getCanonicalType(cx->getPointeeType(type)), out);
    }
    else if (type.kind == CXType_Atomic) {
        types_classify_atomic(u, cx->Type_getValueType(type), out);
    }
    else if (type.kind == CXType_Enum && types_known_record(types_plain_name(u, type))) {
        out->class = types_known_record(types_plain_name(u, type));
    }
    else {
        out->class = "scalar";
        if (out->is_array && (type.kind == CXType_Char_S || type.kind == CXType_SChar ||
                              type.kind == CXType_UChar || type.kind == CXType_WChar)) {
            out->class = "string";
        }
    }
    if (by_typedef) {
        out->class = by_typedef;
        out->holds = NULL;
    }
}
