/* One parse of one file: the context that decls.c, inits.c and bodies.c share.
 *
 * Ownership: everything here dies with the unit; facts are copied into the caller's store.
 * Threads: one unit per worker. Errors: none of these functions fails; unknown means NULL. */
#ifndef EXTCHECK_SOURCE_UNIT_H
#define EXTCHECK_SOURCE_UNIT_H

#include "facts/facts.h"
#include "source/cx.h"
#include "source/text/lexer.h"

/* Name of the file with stand-ins for what missing headers would declare (parse/stubs.h). */
#define UNIT_STAND_INS "extcheck-unseen.h"

/* Whose code a file is. Only main and project files are walked. */
enum file_class { FILE_MAIN, FILE_PROJECT, FILE_LIBRARY, FILE_PYTHON, FILE_SYSTEM };

struct unit_file {
    CXFile handle;
    const char *path; /* as shown to the user */
    enum file_class whose;
    struct lexed *lexed; /* of main and project files, read when first needed */
    bool lexed_failed;
    bool unseen; /* it is UNIT_STAND_INS */
};

enum decl_sort {
    DECL_OTHER,
    DECL_LOCAL,
    DECL_PARAM,
    DECL_STATIC,
    DECL_FUNCTION,
    DECL_CONSTANT,
    DECL_FIELD
};

/* What is remembered about a declaration, one look-up per declaration and unit. */
struct decl {
    const void *key;
    enum decl_sort sort;
    const char *name;
    const char *id;  /* as in kinds.def; NULL for locals */
    const char *ref; /* descriptor of a mention: "var:ID", "local:x", "param:0", "func:ID" ... */
    enum file_class whose;
    bool is_object; /* object pointer type */
    bool is_pointer;
};

struct type_facts {
    const char *class, *holds, *record;
    bool is_array, is_const, is_atomic, is_volatile, is_nontrivial;
};

struct record_info {
    const void *key;
    const char *name, *class, *holds;
    bool is_object, busy, is_nontrivial;
    bool shallow; /* only seen behind pointers so far: holds is not known */
};

struct pointer_table { /* open addressing by address */
    void **cells;
    size_t n, cap;
};

struct unit_paths {                  /* project_root apart, the same for all units of a run */
    const char *const *python_roots; /* folders that hold a Python.h; real paths, NULL-terminated */
    const char *project_root;        /* real path */
    const char *resource_dir;
    const char *working_directory; /* real path of the current directory */
    struct map *real;              /* name -> real path, "" when there is none; of the worker */
    struct interner *strings;      /* for those */
};

struct unit {
    const struct cx *cx;
    const struct unit_paths *paths;
    CXTranslationUnit tu;
    CXFile main_file;
    const char *path;
    bool is_cxx;
    struct facts *facts;
    struct interner *strings; /* of facts */
    struct lexer_macros *macros;
    struct lexed *main_lexed; /* owned by the caller */
    VEC(struct unit_file *) files;
    struct pointer_table decls, records;
    struct arena arena;
    int nlambdas;
    struct unit_file *last_file; /* of the last unit_place() */
    struct map emitted;          /* records whose members were written */
    struct twin *twin;           /* what the other flavour gave, or is to be given; NULL: alone */
};

void unit_free(struct unit *u);

/* ---- unit_files.c ---- */
/* The file of a handle; never NULL. */
struct unit_file *unit_file(struct unit *u, CXFile handle);
/* The lexed text of a main or project file, or NULL. */
struct lexed *unit_lexed(struct unit *u, struct unit_file *file);

/* ---- unit.c ---- */
struct unit_place {
    struct unit_file *file;
    struct lexed *lexed; /* may be NULL */
    unsigned offset, end;
    int line, column, end_column;
    bool in_macro; /* the node comes out of a macro that is used here */
};
/* Only file and offset: what walking needs of every node, at a third of the price. */
struct unit_place unit_spot(struct unit *u, CXCursor c);
/* Where a cursor stands, after macro expansion. */
struct unit_place unit_place(struct unit *u, CXCursor c);
/* Sets the store's file for the next fact. */
void unit_set_file(struct unit *u, const struct unit_place *place);
/* The three texts as one, interned. */
const char *unit_join(struct unit *u, const char *first, const char *second, const char *third);
/* The identifier as written at a place; NULL when there is none. It is a macro's name when the
 * node comes out of a macro. */
const char *unit_word_at(struct unit *u, const struct unit_place *place);
/* Source text of a cursor, at most max bytes, white space squeezed. */
const char *unit_text(struct unit *u, CXCursor c, size_t max);

/* ---- unit_decl.c ---- */
/* The entry for a declaration (a referenced cursor); never NULL. */
struct decl *unit_decl(struct unit *u, CXCursor c);
/* The entry for a struct, union or class; never NULL. types.c fills it. */
struct record_info *unit_record(struct unit *u, CXType record);

/* ---- unit_id.c ---- */
/* Id of a variable or function declared by c. */
const char *unit_id(struct unit *u, CXCursor c);
/* Is it a kind of function, method or template of one? */
bool unit_is_function(enum CXCursorKind kind);
/* A type's spelling, the same with every version of clang. */
const char *unit_type_text(struct unit *u, CXType type);

/* ---- types.c ---- */
void types_classify(struct unit *u, CXType type, struct type_facts *out);

/* ---- describe.c ---- */
/* A value descriptor; see kinds.def. */
const char *describe(struct unit *u, CXCursor c);
/* The variable below members and subscripts: its descriptor ("var:ID", "param:0" ...) and the path
 * (".a", "->b", "[]"); *record receives the struct of the last member. */
const char *describe_lvalue(struct unit *u, CXCursor c, const char **path, const char **record,
                            struct decl **root);
/* Integer value of a constant expression. */
bool describe_integer(struct unit *u, CXCursor c, long *value);
/* Text of the string constant, or NULL. */
const char *describe_string(struct unit *u, CXCursor c);

/* ---- decls.c, inits.c, bodies.c ---- */
/* Walks the top level and writes all facts of the unit. */
void decls_walk(struct unit *u);
/* A variable with static storage, at file scope, in a class or in function `func`. */
void decls_variable(struct unit *u, CXCursor c, const char *func);
/* Tables, module definitions and type specs among initialisers. */
void inits_variable(struct unit *u, CXCursor c, const char *id, const struct type_facts *type);
/* Initialiser class of a variable: "none", "null" ...; *value a descriptor. */
const char *inits_kind(struct unit *u, CXCursor c, const char **value);
/* Body events of a function definition. */
void bodies_function(struct unit *u, CXCursor c, const char *id);

#endif
