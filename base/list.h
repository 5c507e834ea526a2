/* list.h - doubly linked lists through the members NAME_next and NAME_previous of what is in them. */
#ifndef WITC_LIST_H
#define WITC_LIST_H

/* A list that only knows its first: new ones come to the front. */
#define LIST_PUSH(first, x, NAME)           \
    do {                                    \
        (x)->NAME##_previous = NULL;        \
        (x)->NAME##_next = (first);         \
        if (first) {                        \
            (first)->NAME##_previous = (x); \
        }                                   \
        (first) = (x);                      \
    } while (0)

#define LIST_REMOVE(first, x, NAME)                                               \
    do {                                                                          \
        *((x)->NAME##_previous ? &(x)->NAME##_previous->NAME##_next : &(first)) = \
            (x)->NAME##_next;                                                     \
        if ((x)->NAME##_next) {                                                   \
            (x)->NAME##_next->NAME##_previous = (x)->NAME##_previous;             \
        }                                                                         \
        (x)->NAME##_next = (x)->NAME##_previous = NULL;                           \
    } while (0)

/* One with a first and a last: new ones come to the end. */
#define QUEUE_APPEND(first, last, x, NAME)                 \
    do {                                                   \
        (x)->NAME##_next = NULL;                           \
        (x)->NAME##_previous = (last);                     \
        *((last) ? &(last)->NAME##_next : &(first)) = (x); \
        (last) = (x);                                      \
    } while (0)

#define QUEUE_REMOVE(first, last, x, NAME)                                                         \
    do {                                                                                           \
        *((x)->NAME##_previous ? &(x)->NAME##_previous->NAME##_next : &(first)) =                  \
            (x)->NAME##_next;                                                                      \
        *((x)->NAME##_next ? &(x)->NAME##_next->NAME##_previous : &(last)) = (x)->NAME##_previous; \
        (x)->NAME##_next = (x)->NAME##_previous = NULL;                                            \
    } while (0)

#endif
