//! `Set<A>`: lazy sets (`spec fql10-data 5`). The plans and their evaluation are the interpreter's.

use crate::fql::interp::{Effect, Failure, Interp, Member, MemberKind, Result, Shape, reversed};
use crate::value::{NullReason, Plan, Set, Value, order};
use std::sync::Arc;

const fn method(
    name: &'static str,
    overloads: &'static [&'static str],
    call: fn(&mut Interp, &Value, &[Value]) -> Result,
    about: &'static str,
    example: &'static str,
) -> Member {
    Member {
        name,
        kind: MemberKind::Method { overloads, call },
        effect: Effect::Pure,
        about,
        example,
    }
}

/// Members of sets.
#[rustfmt::skip]
pub static SET: Shape = Shape {
    name: "Set<A>",
    alias: None,
    about: "A lazy set: evaluated each time it is read, page by page.",
    members: &[
        method("toString", &["() => String"], |_, _, _| Ok(Value::string("[set]")),
            "A fixed text; a set is not read for it.", "[1].toSet().toString()"),
        method("aggregate", &["(seed: A, combiner: (A, A) => A) => A"], aggregate,
            "Combines elements pair by pair; the seed comes last. The combiner should be associative and commutative.",
            "[1, 2, 3].toSet().aggregate(0, (a, b) => a + b)"),
        method("any", &["(predicate: A => Boolean | Null) => Boolean"], any,
            "Whether the predicate holds for some element.", "[1, 2].toSet().any(x => x == 2)"),
        method("changesOn", &["(fields: ...A => Any) => EventSource<A>"],
            |me, this, fields| events_on(me, this, fields, ".changesOn()"),
            "The older name of eventsOn.", ""),
        method("concat", &["(other: Set<B>) => Set<A | B>"], concat,
            "The elements of this set, then those of the other.", "[1].toSet().concat([2].toSet()).toArray()"),
        method("count", &["() => Number"], count,
            "The number of elements; reads the whole set.", "[1, 2].toSet().count()"),
        method("distinct", &["() => Set<A>"], distinct,
            "The different elements, sorted; of at most 16000.", "[2, 1, 2].toSet().distinct().toArray()"),
        method("drop", &["(amount: Int) => Set<A>"], drop,
            "All but the first elements.", "[1, 2, 3].toSet().drop(2).toArray()"),
        method("eventSource", &["() => EventSource<A>"],
            |me, this, _| event_source(me, this, ".eventSource()"),
            "A source of events about changes of this set.", ""),
        method("eventsOn", &["(fields: ...A => Any) => EventSource<A>"],
            |me, this, fields| events_on(me, this, fields, ".eventsOn()"),
            "A source of events about changes that touch these fields.", ""),
        method("every", &["(predicate: A => Boolean | Null) => Boolean"], every,
            "Whether the predicate holds for all elements.", "[1, 2].toSet().every(x => x > 0)"),
        method("first", &["() => A | Null"], |me, this, _| me.set_first(set(this)?),
            "The first element, or null.", "[1, 2].toSet().first()"),
        method("firstWhere", &["(predicate: A => Boolean | Null) => A | Null"], first_where,
            "The first element for which the predicate holds, or null.", "[1, 2, 3].toSet().firstWhere(x => x > 1)"),
        method("flatMap", &["(mapper: A => Set<B>) => Set<B>"],
            |me, this, args| Ok(made(me.flat_map_set(set(this)?, arg(args, 0))?)),
            "The elements of the sets that the mapper yields, one set after another.",
            "[1, 2].toSet().flatMap(x => [x, x * 10].toSet()).toArray()"),
        method("fold", &["(seed: B, reducer: (B, A) => B) => B"], fold,
            "Combines the seed with every element, first to last.", "[1, 2].toSet().fold(0, (sum, x) => sum + x)"),
        method("foldRight", &["(seed: B, reducer: (B, A) => B) => B"], fold_right,
            "Combines the seed with every element, last to first.",
            "[\"a\", \"b\"].toSet().foldRight(\"\", (text, x) => text + x)"),
        method("forEach", &["(callback: A => Any) => Null"], for_each,
            "Calls a function with every element; it may write.", "[1, 2].toSet().forEach(x => x)"),
        method("includes", &["(element: A) => Boolean"], includes,
            "Whether some element equals the value.", "[1, 2].toSet().includes(2)"),
        method("isEmpty", &["() => Boolean"], |me, this, _| Ok(Value::Bool(me.set_is_empty(set(this)?)?)),
            "Whether there is no element.", "[].toSet().isEmpty()"),
        method("last", &["() => A | Null"], |me, this, _| me.set_first(&reversed(set(this)?)),
            "The last element, or null.", "[1, 2].toSet().last()"),
        method("lastWhere", &["(predicate: A => Boolean | Null) => A | Null"], last_where,
            "The last element for which the predicate holds, or null.", "[1, 2, 3].toSet().lastWhere(x => x < 3)"),
        method("map", &["(mapper: A => B) => Set<B>"],
            |me, this, args| Ok(made(me.map_set(set(this)?, arg(args, 0))?)),
            "What the mapper makes of every element.", "[1, 2].toSet().map(x => x * 2).toArray()"),
        method("nonEmpty", &["() => Boolean"], |me, this, _| Ok(Value::Bool(!me.set_is_empty(set(this)?)?)),
            "Whether there is an element.", "[1].toSet().nonEmpty()"),
        method("order", &["(ordering: ...{ asc: A => Any } | { desc: A => Any } | (A => Any)) => Set<A>"], order_by,
            "The elements sorted by keys; of at most 16000.", "[3, 1, 2].toSet().order(desc(x => x)).toArray()"),
        method("pageSize", &["(size: Int) => Set<A>"], page_size,
            "The same set in pages of that size.", "Set.sequence(0, 40).pageSize(2).paginate().data"),
        method("paginate", &[
                "() => { data: Array<A>, after: String | Null }",
                "(size: Int) => { data: Array<A>, after: String | Null }",
            ], paginate,
            "The first page, and the cursor of the next.", "Set.sequence(0, 40).paginate(2).data"),
        method("reduce", &["(reducer: (A, A) => A) => A | Null"], |me, this, args| reduce(me, this, args, "reduce"),
            "Combines the first element with every other.", "[1, 2].toSet().reduce((a, b) => a + b)"),
        method("reduceRight", &["(reducer: (A, A) => A) => A | Null"],
            |me, this, args| reduce(me, this, args, "reduceRight"),
            "Combines the last element with every other, last to first.",
            "[\"a\", \"b\"].toSet().reduceRight((a, b) => a + b)"),
        method("reverse", &["() => Set<A>"], |_, this, _| Ok(Value::Set(reversed(set(this)?))),
            "The elements backwards.", "[1, 2].toSet().reverse().toArray()"),
        method("take", &["(limit: Int) => Set<A>"],
            |me, this, args| Ok(made(me.take_set(set(this)?, integer(args))?)),
            "The first elements.", "[1, 2, 3].toSet().take(2).toArray()"),
        method("toArray", &["() => Array<A>"], to_array,
            "The elements, of at most 16000, as an array.", "Set.sequence(0, 3).toArray()"),
        method("toSet", &["() => Set<A>"], |_, this, _| Ok(this.clone()),
            "The set itself.", "[1].toSet().toSet().toArray()"),
        method("toStream", &["() => EventSource<A>"],
            |me, this, _| event_source(me, this, ".toStream()"),
            "The older name of eventSource.", ""),
        method("where", &["(predicate: A => Boolean | Null) => Set<A>"],
            |me, this, args| Ok(made(me.where_set(set(this)?, arg(args, 0))?)),
            "The elements for which the predicate holds.", "[1, 2].toSet().where(x => x > 1).toArray()"),
    ],
};

fn set(this: &Value) -> Result<&Arc<Set>> {
    match this {
        Value::Set(set) => Ok(set),
        other => Err(Failure::type_mismatch("Set<Any>", other)),
    }
}

fn made(set: Set) -> Value {
    Value::Set(Arc::new(set))
}

fn arg(args: &[Value], n: usize) -> &Value {
    const NULL: Value = Value::NULL;
    args.get(n).unwrap_or(const { &NULL })
}

fn integer(args: &[Value]) -> i64 {
    arg(args, 0).as_i64().unwrap_or(0)
}

fn aggregate(me: &mut Interp, this: &Value, args: &[Value]) -> Result {
    me.hint_full_read(set(this)?, "aggregate");
    me.check_callback("combiner", arg(args, 1), 2)?;
    me.aggregate(set(this)?, arg(args, 0), arg(args, 1))
}

fn any(me: &mut Interp, this: &Value, args: &[Value]) -> Result {
    decide(me, this, args, true)
}

fn every(me: &mut Interp, this: &Value, args: &[Value]) -> Result {
    me.hint_full_read(set(this)?, "every");
    decide(me, this, args, false)
}

/// Whether the predicate answers `wanted` for some element: that answer decides.
fn decide(me: &mut Interp, this: &Value, args: &[Value], wanted: bool) -> Result {
    let predicate = arg(args, 0);
    me.check_callback("predicate", predicate, 1)?;
    let mut answer = !wanted;
    me.each_element(set(this)?, |me, element| {
        answer = me.predicate(predicate, vec![element])?;
        Ok(answer != wanted)
    })?;
    Ok(Value::Bool(answer))
}

fn concat(_: &mut Interp, this: &Value, args: &[Value]) -> Result {
    // A concatenation starts with the default page size.
    let at = set(this)?.at;
    let plan = Plan::Concat(set(this)?.clone(), set(arg(args, 0))?.clone());
    Ok(made(Set {
        plan,
        at,
        page_size: None,
    }))
}

fn count(me: &mut Interp, this: &Value, _: &[Value]) -> Result {
    me.hint_full_read(set(this)?, "count");
    let count = me.set_count(set(this)?)?;
    me.charge(count)?;
    Ok(Value::integer(i64::try_from(count).unwrap_or(i64::MAX)))
}

fn distinct(me: &mut Interp, this: &Value, _: &[Value]) -> Result {
    me.hint_full_read(set(this)?, "distinct");
    Ok(made(Set::over(
        set(this)?,
        Plan::Distinct(set(this)?.clone()),
    )))
}

fn drop(_: &mut Interp, this: &Value, args: &[Value]) -> Result {
    let amount = u64::try_from(integer(args)).unwrap_or(0);
    Ok(made(Set::over(
        set(this)?,
        Plan::Drop(set(this)?.clone(), amount),
    )))
}

fn event_source(me: &mut Interp, this: &Value, method: &str) -> Result {
    Ok(Value::EventSource(Arc::new(
        me.make_event_source(set(this)?, method)?,
    )))
}

fn events_on(me: &mut Interp, this: &Value, fields: &[Value], method: &str) -> Result {
    Ok(Value::EventSource(Arc::new(me.make_event_source_on(
        set(this)?,
        fields,
        method,
    )?)))
}

fn first_where(me: &mut Interp, this: &Value, args: &[Value]) -> Result {
    let found = me.where_set(set(this)?, arg(args, 0))?;
    me.set_first(&Arc::new(found))
}

fn last_where(me: &mut Interp, this: &Value, args: &[Value]) -> Result {
    // The original takes the whole set into memory first, even where it could walk backwards.
    let whole = match &set(this)?.plan {
        Plan::Sequence(..) | Plan::FlatMap(..) => {
            let items = me.set_to_vec(set(this)?)?;
            Arc::new(Set::over(set(this)?, Plan::Array(Arc::new(items.into()))))
        }
        _ => set(this)?.clone(),
    };
    let backwards = Set::over(&whole, Plan::Reverse(whole.clone()));
    let found = me.where_set(&Arc::new(backwards), arg(args, 0))?;
    me.set_first(&Arc::new(found))
}

fn fold(me: &mut Interp, this: &Value, args: &[Value]) -> Result {
    me.hint_full_read(set(this)?, "fold");
    fold_over(me, set(this)?, args)
}

fn fold_right(me: &mut Interp, this: &Value, args: &[Value]) -> Result {
    me.hint_full_read(set(this)?, "foldRight");
    fold_over(me, &reversed(set(this)?), args)
}

fn fold_over(me: &mut Interp, set: &Arc<Set>, args: &[Value]) -> Result {
    let reducer = arg(args, 1);
    me.check_callback("reducer", reducer, 2)?;
    let mut result = arg(args, 0).clone();
    me.each_element(set, |me, element| {
        let so_far = std::mem::replace(&mut result, Value::NULL);
        result = me.call(reducer, vec![so_far, element])?;
        Ok(true)
    })?;
    Ok(result)
}

fn for_each(me: &mut Interp, this: &Value, args: &[Value]) -> Result {
    me.hint_full_read(set(this)?, "forEach");
    let callback = arg(args, 0);
    me.check_callback("func", callback, 1)?;
    me.each_element(set(this)?, |me, element| {
        me.call(callback, vec![element]).map(|_| true)
    })?;
    Ok(me.nothing())
}

fn includes(me: &mut Interp, this: &Value, args: &[Value]) -> Result {
    me.hint_full_read(set(this)?, "includes");
    let wanted = arg(args, 0);
    me.check_parts([wanted])?;
    let mut found = false;
    me.each_element(set(this)?, |_, element| {
        found = order::same(&element, wanted);
        Ok(!found)
    })?;
    Ok(Value::Bool(found))
}

fn order_by(me: &mut Interp, this: &Value, args: &[Value]) -> Result {
    me.hint_full_read(set(this)?, "order");
    Ok(made(me.order_set(set(this)?, args)?))
}

fn page_size(me: &mut Interp, this: &Value, args: &[Value]) -> Result {
    let size = me.page_size(integer(args))?;
    Ok(made(set(this)?.paged(size)))
}

fn paginate(me: &mut Interp, this: &Value, args: &[Value]) -> Result {
    let size = match args {
        [] => None,
        [..] => Some(me.page_size(integer(args))?),
    };
    me.paginate(set(this)?, size)
}

fn reduce(me: &mut Interp, this: &Value, args: &[Value], method: &str) -> Result {
    me.hint_full_read(set(this)?, method);
    let reducer = arg(args, 0);
    me.check_callback("reducer", reducer, 2)?;
    let set = set(this)?;
    let set = if method == "reduceRight" {
        reversed(set)
    } else {
        set.clone()
    };
    let mut result = None;
    me.each_element(&set, |me, element| {
        result = Some(match result.take() {
            None => element,
            Some(so_far) => me.call(reducer, vec![so_far, element])?,
        });
        Ok(true)
    })?;
    Ok(result.unwrap_or_else(|| me.null(NullReason::NoSuchElement("empty set"))))
}

fn to_array(me: &mut Interp, this: &Value, _: &[Value]) -> Result {
    me.hint_full_read(set(this)?, "toArray");
    let items = me.set_to_vec(set(this)?)?;
    me.charge(items.len() as u64)?;
    Ok(Value::array(items))
}
