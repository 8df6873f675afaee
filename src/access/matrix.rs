//! The permission matrix of the built-in roles (`spec access-control 3`), as one table.

use super::Permissions;
use crate::model::native;
use crate::model::schema::Action;
use crate::value::CollId;

/// Whether a built-in role may do `action` in its own database; `None` for user-defined roles, whose
/// privileges decide.
pub fn builtin_allows(permissions: &Permissions, action: Action, coll: CollId) -> Option<bool> {
    let admin_only = [
        native::DATABASE,
        native::KEY,
        native::ROLE,
        native::ACCESS_PROVIDER,
    ]
    .contains(&coll);
    let reads = matches!(
        action,
        Action::Read | Action::HistoryRead | Action::UnrestrictedRead
    );
    Some(match permissions {
        Permissions::Admin => true,
        Permissions::Server => !admin_only,
        Permissions::ServerReadOnly => !admin_only && reads,
        Permissions::Predicate => {
            !admin_only
                && matches!(
                    action,
                    Action::Read | Action::Call | Action::UnrestrictedRead
                )
        }
        Permissions::Client => false,
        Permissions::Roles(_) => return None,
    })
}
