#include "report/text.h"

#include <string.h>

#define REPLACEMENT 0xFFFDu

struct text_range {
    unsigned first, last;
};

/* East Asian wide and emoji: a table of blocks is enough to keep a caret under its word. */
static const struct text_range wide[] = {
    {0x1100, 0x115F},   {0x2E80, 0x303E},   {0x3041, 0x33FF},   {0x3400, 0x4DBF},
    {0x4E00, 0x9FFF},   {0xA000, 0xA4CF},   {0xA960, 0xA97F},   {0xAC00, 0xD7A3},
    {0xF900, 0xFAFF},   {0xFE30, 0xFE6F},   {0xFF00, 0xFF60},   {0xFFE0, 0xFFE6},
    {0x1F300, 0x1F64F}, {0x1F680, 0x1F6FF}, {0x1F900, 0x1F9FF}, {0x20000, 0x3FFFD},
};

static const struct text_range zero[] = {
    {0x0300, 0x036F}, {0x0483, 0x0489}, {0x0591, 0x05BD}, {0x0610, 0x061A}, {0x064B, 0x065F},
    {0x1AB0, 0x1AFF}, {0x1DC0, 0x1DFF}, {0x20D0, 0x20FF}, {0xFE00, 0xFE0F}, {0xFE20, 0xFE2F},
};

/* C0, C1, and what hides or reorders text: see CVE-2021-42574 for why these must be seen. */
static const struct text_range controls[] = {
    {0x0000, 0x001F}, {0x007F, 0x009F}, {0x061C, 0x061C}, {0x200B, 0x200F},
    {0x2028, 0x202E}, {0x2060, 0x206F}, {0xFEFF, 0xFEFF},
};

static bool
text_in(unsigned code, const struct text_range *ranges, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (code >= ranges[i].first && code <= ranges[i].last) {
            return true;
        }
    }
    return false;
}

bool
text_is_control(unsigned code)
{
    return text_in(code, controls, sizeof(controls) / sizeof(controls[0]));
}

int
text_width(unsigned code)
{
    if (code < 0x300) {
        return 1;
    }
    if (text_in(code, zero, sizeof(zero) / sizeof(zero[0]))) {
        return 0;
    }
    return text_in(code, wide, sizeof(wide) / sizeof(wide[0])) ? 2 : 1;
}

/* Bytes of the sequence that starts with this one; 0 when none does. */
static size_t
text_length(unsigned char first)
{
    if (first < 0x80) {
        return 1;
    }
    if (first < 0xC2 || first > 0xF4) {
        return 0;
    }
    return first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
}

size_t
text_next(const char *s, size_t n, unsigned *code)
{
    static const unsigned least[] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned char first = (unsigned char)s[0];
    size_t length = text_length(first);
    *code = REPLACEMENT;
    if (length == 0 || length > n) {
        return 1;
    }
    if (length == 1) {
        *code = first;
        return 1;
    }
    unsigned value = first & (0x7Fu >> length);
    for (size_t i = 1; i < length; i++) {
        unsigned char next = (unsigned char)s[i];
        if ((next & 0xC0) != 0x80) {
            return 1;
        }
        value = value << 6 | (next & 0x3Fu);
    }
    if (value < least[length] || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF)) {
        return 1;
    }
    *code = value;
    return length;
}

int
text_column(const char *line, int byte_column)
{
    size_t wanted = byte_column > 1 ? (size_t)byte_column - 1 : 0;
    size_t n = line ? strlen(line) : 0, at = 0;
    int column = 1;
    while (at < n && at < wanted) {
        unsigned code;
        at += text_next(line + at, n - at, &code);
        column++;
    }
    return column + (int)(wanted > at ? wanted - at : 0);
}

void
text_add_code_point(struct str *out, unsigned code)
{
    if (code < 0x80) {
        str_addc(out, (char)code);
        return;
    }
    if (code < 0x800) {
        str_addc(out, (char)(0xC0 | code >> 6));
    }
    else {
        if (code < 0x10000) {
            str_addc(out, (char)(0xE0 | code >> 12));
        }
        else {
            str_addc(out, (char)(0xF0 | code >> 18));
            str_addc(out, (char)(0x80 | (code >> 12 & 0x3F)));
        }
        str_addc(out, (char)(0x80 | (code >> 6 & 0x3F)));
    }
    str_addc(out, (char)(0x80 | (code & 0x3F)));
}

void
text_add(struct str *out, const char *s)
{
    size_t n = s ? strlen(s) : 0;
    for (size_t at = 0; at < n;) {
        unsigned code;
        at += text_next(s + at, n - at, &code);
        text_add_code_point(out, code);
    }
}

void
text_add_visible(struct str *out, const char *s)
{
    size_t n = s ? strlen(s) : 0;
    for (size_t at = 0; at < n;) {
        unsigned code;
        at += text_next(s + at, n - at, &code);
        if (code == '\n' || code == '\t') {
            str_addc(out, ' ');
        }
        else if (text_is_control(code)) {
            str_addf(out, "<U+%04X>", code);
        }
        else {
            text_add_code_point(out, code);
        }
    }
}

int
text_visible_width(const char *s)
{
    struct str shown = {0};
    text_add_visible(&shown, s);
    int width = 0;
    for (size_t at = 0; at < shown.n;) {
        unsigned code;
        at += text_next(shown.s + at, shown.n - at, &code);
        width += text_width(code);
    }
    str_free(&shown);
    return width;
}

void
text_add_xml(struct str *out, const char *s)
{
    size_t n = s ? strlen(s) : 0;
    for (size_t at = 0; at < n;) {
        unsigned code;
        at += text_next(s + at, n - at, &code);
        switch (code) {
        case '&':
            str_add(out, "&amp;");
            break;
        case '<':
            str_add(out, "&lt;");
            break;
        case '>':
            str_add(out, "&gt;");
            break;
        case '"':
            str_add(out, "&quot;");
            break;
        case '\t':
        case '\n':
        case '\r':
            str_addf(out, "&#%u;", code);
            break;
        default:
            /* Most control characters cannot stand in XML 1.0 at all, not even as references. */
            text_add_code_point(out, code < 0x20 || code == 0xFFFE || code == 0xFFFF ? REPLACEMENT
                                                                                     : code);
        }
    }
}
