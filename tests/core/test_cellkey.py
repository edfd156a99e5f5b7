"""The key of a cell is the component's name, and the tenant's behind it where there is one."""

from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.cellkey import cell_key, component_of, tenant_of

COMPONENTS = st.text("abc-._0", min_size=1)


def test_a_cell_without_a_tenant_is_called_as_its_component() -> None:
    assert cell_key("wallet-api") == "wallet-api"
    assert (component_of("wallet-api"), tenant_of("wallet-api")) == ("wallet-api", "")


@given(COMPONENTS, st.text())
def test_a_key_is_read_as_it_was_made_whatever_the_tenant_is_called(
    component: str, tenant: str
) -> None:
    key = cell_key(component, tenant)

    assert (component_of(key), tenant_of(key)) == (component, tenant)
