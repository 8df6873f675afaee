//! The order in which definitions that call each other are inferred.

/// Definitions in the order of their dependencies, and the first of each cycle.
pub(super) fn dependency_order(dependencies: &[Vec<usize>]) -> (Vec<usize>, Vec<usize>) {
    #[derive(Clone, Copy, PartialEq)]
    enum State {
        New,
        Open,
        Done,
    }
    let mut state = vec![State::New; dependencies.len()];
    let (mut order, mut recursive) = (Vec::new(), Vec::new());
    for root in 0..dependencies.len() {
        if state[root] != State::New {
            continue;
        }
        // Depth first, without recursion: each entry is a definition and how many of its dependencies were visited.
        let mut stack = vec![(root, 0)];
        state[root] = State::Open;
        while let Some((index, position)) = stack.pop() {
            match dependencies[index].get(position) {
                Some(&next) => {
                    stack.push((index, position + 1));
                    match state[next] {
                        State::New => {
                            state[next] = State::Open;
                            stack.push((next, 0));
                        }
                        State::Open if !recursive.contains(&next) => recursive.push(next),
                        State::Open | State::Done => {}
                    }
                }
                None => {
                    state[index] = State::Done;
                    order.push(index);
                }
            }
        }
    }
    (order, recursive)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_needed_comes_first_and_cycles_are_named_once() {
        assert_eq!(dependency_order(&[]), (vec![], vec![]));
        assert_eq!(
            dependency_order(&[vec![2], vec![], vec![1]]),
            (vec![1, 2, 0], vec![])
        );
        assert_eq!(
            dependency_order(&[vec![1], vec![2, 2], vec![0, 2]]),
            (vec![2, 1, 0], vec![0, 2])
        );
    }
}
